// The part of an exchange that answers without a backend: from files.
#include <algorithm>
#include <cerrno>
#include <system_error>

#include "proxy/exchange_io.h"
#include "proxy/file_body_io.h"
#include "proxy/files/media_type.h"
#include "proxy/http/answer_fields.h"

namespace gatehouse::proxy {
namespace {

// Live from the look at the folder until the answer's head is written; nothing suspends in between.
thread_local files::NameRoom path_room, name_room;

constexpr std::size_t head_most = 4 << 10;  // of an answer from a file

bool lacks_room(int error) { return error == EMFILE || error == ENFILE || error == ENOMEM; }

// The codings that may lie beside the file, as far as the client takes them.
http::CodingList wanted_codings(const http::RequestHead& head, const conf::Files& files) {
  if (files.precompressed.empty()) return {};
  return http::rank_codings(http::accepted_codings(head), files.precompressed);
}

}  // namespace

Task<> Exchange::serve_files() {
  worker_.counters.file_answers.add();
  keep_client_ = keep_client_ && head_.body == http::Framing::none;  // it is not read
  if (head_.method_id == http::Method::options) {
    refuse(204, http::Termination::ok);
    refused_fields_ = "Allow: " + std::string(file_methods) + "\r\n";
    co_return;
  }
  if (head_.method_id != http::Method::get && head_.method_id != http::Method::head) {
    refuse(405, http::Termination::local, "files can be read, and no more");
    co_return;
  }
  if (needs_tunnel()) {
    refuse(501, http::Termination::local, "files speak no WebSocket");
    co_return;
  }
  files::Found found;
  std::shared_ptr<files::FindJob> job;  // holds the file's name
  const bool looked = co_await find_file(found, job);
  if (!looked) co_return;
  if (!judge_found(found)) co_return;
  co_await send_file(found);
}

// False: the answer is a refusal, or nobody is there to have one.
Task<bool> Exchange::find_file(files::Found& found, std::shared_ptr<files::FindJob>& job) {
  const conf::Files& policy = *policy_->files;
  const std::string_view target = admission_.forward;
  const auto path = files::file_path(target.substr(0, target.find('?')), path_room);
  if (!path) {
    refuse(404, http::Termination::no_file, "no such file");
    co_return false;
  }
  const http::CodingList codings = wanted_codings(head_, policy);
  std::shared_ptr<const UniqueFd> root = worker_.roots.get(policy.folder, worker_.loop.now());
  if (root) found = files::find(root->get(), policy, *path, codings, Disk::cached, name_room);
  if (root && found.kind != files::Found::Kind::again) co_return true;

  // The service is the route's, which owns the policy; a canary's wouldn't do.
  const PoolPtr& owner = world_->pools()[admission_.match.target->service];
  job = std::shared_ptr<files::FindJob>(new files::FindJob(owner->service, policy, *path, codings));  // pooled
  job->root = root;
  job->shown_path = admission_.path;
  job->waiter = &client_.waker;
  if (!worker_.file_threads.submit(job)) {
    worker_.counters.file_waits_refused.add();
    refuse(503, http::Termination::overload, "too many wait for the disk");
    co_return false;
  }
  worker_.counters.file_waits.add();
  const LoopTime due = std::min(due_after(worker_.loop.now(), policy_->timeout), total_due());
  while (!job->finished) {
    const Waker::Why why = co_await client_.waker.sleep(due);
    if (job->finished) break;
    const bool gone = client_.stream.failed();
    if (!gone && why != Waker::Why::deadline) continue;
    job->waiter = nullptr;
    if (gone)
      fail(Fault::client_gone);
    else
      refuse(504, http::Termination::file_failed, "the disk is silent");
    co_return false;
  }
  if (job->root) worker_.roots.keep(policy.folder, job->root, worker_.loop.now());
  found = std::move(job->found);
  admission_.path = job->shown_path;
  co_return true;
}

// False: what was found is no file, and the client is told.
bool Exchange::judge_found(const files::Found& found) {
  using Kind = files::Found::Kind;
  switch (found.kind) {
    case Kind::file: return true;
    case Kind::missing: refuse(404, http::Termination::no_file, "no such file"); break;
    case Kind::forbidden: refuse(403, http::Termination::no_file, "this file can't be read"); break;
    case Kind::folder: {
      // The path is normalised and has no empty segment, so that it leads to no other host.
      const std::string_view asked = head_.path();
      const std::size_t query = std::min(asked.find('?'), asked.size());
      refuse(301, http::Termination::redirect, "a folder's path ends with a slash");
      admission_.refusal.location = std::string(admission_.path) + "/" + std::string(asked.substr(query));
      break;
    }
    case Kind::again:
    case Kind::failed:
      worker_.warn(policy_->files->folder + ": " + std::generic_category().message(found.error));
      if (lacks_room(found.error))
        refuse(503, http::Termination::overload, "no descriptor is left");
      else
        refuse(500, http::Termination::file_failed, "the file can't be opened");
  }
  return false;
}

compress::BodyFilterPtr Exchange::take_filter(conf::ContentCoding coding, std::optional<std::uint64_t> size) {
  compress::BodyFilterPtr filter;
  if (!worker_.buffers.full()) filter = worker_.compressors.take(coding, policy_->compress.level, size);
  if (filter)
    worker_.counters.compressions[static_cast<std::size_t>(coding)].add();
  else
    worker_.counters.compressions_left_out.add();
  return filter;
}

// The head of an answer with these fields, which end with those that frame it.
Buffer Exchange::local_head(int status, std::string_view fields) {
  status_ = status;
  if (!keep_client_) client_.stream.part_after_message();
  http::LocalReply reply;
  reply.status = status;
  reply.close = !keep_client_;
  reply.client_minor = head_.minor;
  reply.framed = true;
  std::array<char, head_most> room;
  http::HeadWriter extra(room);
  extra.put(fields);
  std::array<char, hsts_bytes_max> hsts_room;
  if (const std::string_view hsts = hsts_value(hsts_room); !hsts.empty())
    extra.field("Strict-Transport-Security", hsts);
  extra.field("X-Request-Id", request_id_);
  reply.extra = extra.text();
  if (!admission_.fields.empty()) reply.fields = &admission_.fields;
  Buffer head = worker_.buffers.take(reply.fields != nullptr ? BufferPool::large : BufferPool::small);
  http::HeadWriter writer({head.data(), head.room()});
  http::write_local_head(reply, worker_.date(), writer);
  head.grew(writer.size());
  return head;
}

Task<> Exchange::send_file(files::Found& found) {
  const conf::Files& policy = *policy_->files;
  files::FileFacts facts;
  facts.name = found.name;
  facts.size = found.file.size;
  facts.modified_ns = found.file.modified_ns;
  facts.coding = found.coding;
  facts.control = files::cache_control(policy, found.name);
  const std::string_view type = files::media_type(found.name);
  facts.varies = !policy.precompressed.empty() && (found.coding || compress::is_compressible({}, type));
  if (!found.coding) {
    const compress::Plan plan = compress::plan_file(policy_->compress, head_, type, facts.size);
    facts.compressed = plan.coding;
    facts.varies = facts.varies || plan.varies;
  }
  const bool to_head = head_.method_id == http::Method::head;
  const std::int64_t now = worker_.loop.wall_us() / 1'000'000;
  files::FileAnswer answer = files::judge_file(head_, facts, now);
  if (facts.compressed && answer.status == 200 && !to_head) {
    filter_ = take_filter(*facts.compressed, facts.size);
    if (!filter_) {
      facts.compressed.reset();
      answer = files::judge_file(head_, facts, now);
    }
  }
  const files::Byteranges parts(worker_.dice.roll(), type, facts.size);
  if (answer.status == 412 || answer.status == 416) {
    if (answer.status == 416) refused_fields_ = "Content-Range: bytes */" + std::to_string(facts.size) + "\r\n";
    refuse(answer.status, http::Termination::local);
    co_return;
  }
  std::array<char, head_most / 2> room;
  http::HeadWriter fields(room);
  files::write_file_fields(answer, facts, parts, fields);
  if (answer.status != 304)
    if (const auto coding = facts.coding ? facts.coding : facts.compressed) encoding_ = conf::name_of(*coding);
  Buffer head = local_head(answer.status, fields.text());
  answering_ = true;
  files::FileReader reader(worker_.file_threads, client_.waker, worker_.counters.file_waits,
                           std::move(found.file.fd));
  if (filter_) {
    reader.seek(0, facts.size);
    FilteredFile body(worker_.buffers, reader, std::move(filter_), std::move(head));
    co_await send_local(body);
    worker_.counters.compressed_in.add(body.filtered());
    worker_.counters.compressed_out.add(body.moved());
    co_return;
  }
  FileBody body(worker_.buffers, reader);
  if (answer.status == 206 && answer.ranges.count > 1)
    body.start(std::move(head), answer.ranges, parts);
  else if (answer.status == 206)
    body.start(std::move(head), answer.ranges, std::nullopt);
  else
    body.start(std::move(head), to_head || answer.status == 304 ? 0 : facts.size);
  co_await send_local(body);
}

// Sends what a LocalBody has, to the end or until somebody gives up. REQUIRES answering_, and status_ told.
Task<> Exchange::send_local(LocalBody& body) {
  Stream& to = client_.stream;
  download_guard_.start(worker_.loop.now(), 0);
  progress_at_ = worker_.loop.now();
  for (;;) {
    const Moved moved = body.run(to);
    if (body.moved() != local_moved_) progress_at_ = worker_.loop.now();
    local_moved_ = body.moved();
    if (moved == Moved::done) co_return;
    if (moved == Moved::sink_failed || to.failed()) {
      break_off(http::Termination::client_closed);
      co_return;
    }
    if (moved != Moved::blocked && moved != Moved::yielded) {
      break_off(http::Termination::file_failed);
      co_return;
    }
    let_world_go();
    const bool source_waits = body.waits_for_source();
    Waker::Why why = Waker::Why::signal;
    if (moved == Moved::yielded)
      co_await client_.waker.yield();
    else
      why = co_await client_.waker.sleep(local_due(source_waits));
    if (worker_.loop.now() >= total_due() || why == Waker::Why::deadline) local_deadline_passed(source_waits);
    if (attempt_ == Attempt::failed) co_return;
  }
}

LoopTime Exchange::local_due(bool source_waits) const {
  if (source_waits) return std::min(due_after(progress_at_, policy_->timeout), total_due());
  return std::min({due_after(progress_at_, policy_->idle_timeout), download_guard_.due(), total_due()});
}

void Exchange::local_deadline_passed(bool source_waits) {
  const LoopTime now = worker_.loop.now();
  if (now >= total_due()) return break_off(http::Termination::total_timeout);
  if (source_waits) {
    if (now >= due_after(progress_at_, policy_->timeout)) break_off(http::Termination::file_failed);
    return;
  }
  if (download_guard_.too_slow(now, local_moved_, true)) return break_off(http::Termination::client_too_slow);
  if (now >= due_after(progress_at_, policy_->idle_timeout)) break_off(http::Termination::client_not_reading);
}

}  // namespace gatehouse::proxy
