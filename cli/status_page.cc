#include "cli/status_page.h"

namespace gatehouse::cli {
namespace {

// long: a page in one piece
constexpr std::string_view page = R"page(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'">
<link rel="icon" href="data:,">
<title>gatehouse</title>
<style>
:root { color-scheme: light dark; --bg: #f6f7f9; --card: #fff; --ink: #1b2430; --dim: #66717f; --line: #dde2e8;
  --good: #1a7f4b; --warn: #9a6200; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --bg: #12161b; --card: #1b2128; --ink: #e6eaf0; --dim: #93a0af;
  --line: #303943; --good: #57c98b; --warn: #e0a94a; --bad: #f2857c; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--bg); color: var(--ink); font: 15px/1.45 system-ui, sans-serif; }
main, header { max-width: 1100px; margin: 0 auto; padding: 12px 16px; }
header { display: flex; flex-wrap: wrap; gap: 4px 16px; align-items: baseline; }
h1 { font-size: 20px; margin: 0; } h2 { font-size: 15px; margin: 22px 0 8px; color: var(--dim); font-weight: 600; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 10px 14px; margin: 0 0 10px; }
.head { display: flex; flex-wrap: wrap; gap: 2px 14px; align-items: baseline; }
.name { font-weight: 600; overflow-wrap: anywhere; }
.dim { color: var(--dim); } .good { color: var(--good); } .warn { color: var(--warn); } .bad { color: var(--bad); }
.figures { display: flex; flex-wrap: wrap; gap: 2px 16px; margin: 4px 0; font-variant-numeric: tabular-nums; }
li:first-child { border-top: none; }
.head + .figures + ul > li:first-child { border-top: 1px solid var(--line); }
ul { list-style: none; margin: 6px 0 0; padding: 0; }
li { padding: 4px 0; border-top: 1px solid var(--line); display: flex; flex-wrap: wrap; gap: 0 12px; overflow-wrap: anywhere; }
.dot::before { content: "\25cf"; margin-right: 6px; }
.grow { flex: 1 1 240px; }
#gone { display: none; background: var(--bad); color: #fff; padding: 8px 16px; text-align: center; }
</style>
</head>
<body>
<div id="gone" role="alert"></div>
<header>
  <h1>gatehouse <span id="node"></span></h1>
  <span id="ready"></span><span id="facts" class="dim"></span>
</header>
<main>
  <div id="problems"></div>
  <h2>Services</h2><div id="services"></div>
  <h2>Certificates</h2><div id="certificates"></div>
  <h2>Recent changes</h2><div id="changes"></div>
</main>
<script>
"use strict";
const by = id => document.getElementById(id);
// An element with a class, text and children; never markup.
function el(tag, className, ...inside) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  for (const each of inside) if (each !== null && each !== undefined && each !== "") made.append(each);
  return made;
}
function list(id, items, empty) {
  by(id).replaceChildren(...(items.length ? items : [el("div", "card dim", empty)]));
}
function span(ms) {
  const s = Math.floor(ms / 1000);
  if (s < 60) return s + " s";
  if (s < 3600) return Math.floor(s / 60) + " min";
  if (s < 172800) return Math.floor(s / 3600) + " h";
  return Math.floor(s / 86400) + " d";
}
function count(n) { return n >= 1e6 ? (n / 1e6).toFixed(1) + " M" : n >= 1e4 ? (n / 1e3).toFixed(1) + " k" : String(Math.round(n * 10) / 10); }
const healths = { up: "good", warning: "warn", unknown: "dim", down: "bad" };

// Counters of up to a minute ago, so that figures are of now and not of all times.
const past = [];
function before() { return past.length > 1 ? past[0] : null; }
function service_before(name) {
  const old = before();
  return old ? old.services.find(each => each.name === name) : null;
}
function percentile(bounds, counts, share) {
  const total = counts.reduce((sum, each) => sum + each, 0);
  if (!total) return null;
  let seen = 0;
  for (let i = 0; i < counts.length; ++i) {
    if (seen + counts[i] >= total * share) {
      if (i >= bounds.length) return ">" + bounds[bounds.length - 1] + " ms";
      const low = i ? bounds[i - 1] : 0;
      const at = low + (bounds[i] - low) * (total * share - seen) / counts[i];
      return (at < 10 ? at.toFixed(1) : Math.round(at)) + " ms";
    }
    seen += counts[i];
  }
  return null;
}
function figures(service, now) {
  const old = service_before(service.name), first = before();
  const seconds = old ? (now - first.at) / 1000 : 0;
  const of = (key, value) => value - (old ? key(old) : 0);
  const classes = ["2xx", "3xx", "4xx", "5xx"];
  const got = {};
  for (const each of classes) got[each] = of(s => s.responses[each], service.responses[each]);
  const all = classes.reduce((sum, each) => sum + got[each], 0);
  const counts = service.latency.counts.map((each, i) => each - (old ? old.latency.counts[i] : 0));
  const out = [];
  out.push(el("span", "", old && seconds > 0 ? count(all / seconds) + " requests/s" : count(all) + " requests"));
  const errors = all ? 100 * got["5xx"] / all : 0;
  out.push(el("span", errors >= 1 ? "bad" : errors > 0 ? "warn" : "", errors.toFixed(errors && errors < 1 ? 2 : 1) + " % errors"));
  if (got["4xx"]) out.push(el("span", "dim", count(got["4xx"]) + " × 4xx"));
  const shares = [[0.5, "p50"], [0.95, "p95"], [0.99, "p99"]];
  for (const [share, label] of shares) {
    const value = percentile(service.latency.bounds_ms, counts, share);
    if (value !== null) out.push(el("span", "", label + " " + value));
  }
  if (service.queued) out.push(el("span", "warn", service.queued + " waiting"));
  return el("div", "figures", ...out);
}
function endpoint(each) {
  const out = each.out && each.out !== each.health ? el("span", "warn grow", each.out) : null;
  const why = each.reason ? el("span", "dim grow", each.reason) : null;
  return el("li", "", el("span", "dot " + (healths[each.health] || "dim"), each.name), el("span", "dim", each.address),
    el("span", healths[each.health] || "dim", each.health), each.since_ms !== undefined ? el("span", "dim", "for " + span(each.since_ms)) : null,
    each.in_flight ? el("span", "dim", each.in_flight + " in flight") : null, each.backup ? el("span", "dim", "backup") : null, out, why);
}
function service(each, now) {
  const usable = each.endpoints.filter(one => !one.out).length;
  const marks = [];
  if (each.maintenance) marks.push(el("span", "warn", "maintenance" + (each.maintenance_until ? " until " + each.maintenance_until : "")));
  if (each.drained) marks.push(el("span", "warn", "drained"));
  if (each.panic) marks.push(el("span", "bad", "panic: none is healthy"));
  if (each.failover) marks.push(el("span", "warn", "served by " + each.failover.datacenter));
  const refused = each.routes.filter(route => route.refused).map(route => el("div", "bad", route.match + ": " + route.refused));
  const routes = each.routes.slice(0, 4).map(route => route.match).join("  ") + (each.routes.length > 4 ? " …" : "");
  return el("section", "card", el("div", "head", el("span", "name", each.name),
    el("span", usable ? "good" : "bad", usable + " of " + each.endpoints.length + " serve"), ...marks, el("span", "dim grow", routes)),
    figures(each, now), ...refused, el("ul", "", ...each.endpoints.map(endpoint)));
}
function certificate(each) {
  const days = each.days_left;
  return el("section", "card head", el("span", "name", each.name),
    el("span", days < 7 ? "bad" : days < 21 ? "warn" : "good", days < 0 ? "ended" : days + " days left"), el("span", "dim grow", each.names.join("  ")));
}
function change(each) {
  return el("li", "", el("span", "dim", new Date(each.time_ms).toLocaleString()), el("span", "", each.what),
    el("span", "grow", each.text), each.by ? el("span", "dim", each.by) : null);
}
function show(status) {
  by("node").textContent = status.node;
  document.title = status.node + " – gatehouse";
  by("ready").textContent = status.ready ? (status.degraded ? "ready, degraded: " + status.degraded : "ready") : "not ready: " + status.unready;
  by("ready").className = status.ready ? (status.degraded ? "warn" : "good") : "bad";
  by("facts").textContent = status.version + " · up " + span(status.uptime_ms) + " · " + count(status.connections.open) +
    " connections · " + Math.round(status.memory.used / 1048576) + " of " + Math.round(status.memory.limit / 1048576) + " MiB";
  const bad = status.problems.filter(each => each.severity !== "note");
  by("problems").replaceChildren(...bad.map(each => el("div", "card " + (each.severity === "error" ? "bad" : "warn"), each.text)));
  const now = Date.now();
  past.push({ at: now, services: status.services });
  while (past.length > 31 || (past.length > 1 && now - past[0].at > 60000)) past.shift();
  list("services", status.services.map(each => service(each, now)), "The catalog names none.");
  list("certificates", status.certificates.map(certificate), "There are none.");
  list("changes", status.recent.length ? [el("ul", "card", ...status.recent.map(change))] : [], "None yet.");
}
let heard = Date.now();
async function look() {
  if (!document.hidden) {
    try {
      const answer = await fetch("status.json", { cache: "no-store" });
      if (!answer.ok) throw new Error(answer.status);
      show(await answer.json());
      heard = Date.now();
      by("gone").style.display = "none";
    } catch (error) {
      by("gone").textContent = "No answer from the door for " + span(Date.now() - heard);
      by("gone").style.display = "block";
    }
  }
  setTimeout(look, 2000);
}
document.addEventListener("visibilitychange", () => { past.length = 0; });
look();
</script>
</body>
</html>
)page";

}  // namespace

std::string_view status_page() { return page; }

}  // namespace gatehouse::cli
