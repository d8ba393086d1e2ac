// count_malloc.cc: counts a program's allocations: preload it and name a file in GATEHOUSE_COUNT_FILE. The file then
//   holds, as long as the program lives and after, one 64-bit number: how often memory was asked for (malloc, calloc,
//   realloc, the aligned kinds, operator new). All of it is then glibc's, whatever allocator the program was linked
//   with. Counting starts before the program's own constructors.
//   Threads  one relaxed atomic, in memory shared by the program's whole tree.
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

extern "C" {  // glibc's own, under the names it exports for this
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
void __libc_free(void*);
}

namespace {

using Counter = std::atomic<std::uint64_t>;

constinit Counter unshared{0};  // until the file is mapped
constinit std::atomic<Counter*> counter{&unshared};

[[gnu::constructor]] void share_the_counter() {
  const char* path = std::getenv("GATEHOUSE_COUNT_FILE");
  if (!path) return;
  const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0 || ftruncate(fd, sizeof(Counter)) != 0) return;
  void* page = mmap(nullptr, sizeof(Counter), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (page != MAP_FAILED) counter.store(static_cast<Counter*>(page), std::memory_order_relaxed);
}

void count() { counter.load(std::memory_order_relaxed)->fetch_add(1, std::memory_order_relaxed); }

}  // namespace

extern "C" {

void* malloc(std::size_t size) {
  count();
  return __libc_malloc(size);
}

void* calloc(std::size_t number, std::size_t size) {
  count();
  return __libc_calloc(number, size);
}

void* realloc(void* old, std::size_t size) {
  count();
  return __libc_realloc(old, size);
}

void* memalign(std::size_t alignment, std::size_t size) {
  count();
  return __libc_memalign(alignment, size);
}

void* aligned_alloc(std::size_t alignment, std::size_t size) { return memalign(alignment, size); }

int posix_memalign(void** to, std::size_t alignment, std::size_t size) {
  void* memory = memalign(alignment, size);
  if (!memory) return ENOMEM;
  *to = memory;
  return 0;
}

void free(void* memory) { __libc_free(memory); }
}

void* operator new(std::size_t size) { return malloc(size); }
void* operator new[](std::size_t size) { return malloc(size); }
void* operator new(std::size_t size, std::align_val_t alignment) { return memalign(std::size_t(alignment), size); }
void* operator new[](std::size_t size, std::align_val_t alignment) { return memalign(std::size_t(alignment), size); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return malloc(size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return malloc(size); }
void operator delete(void* memory) noexcept { free(memory); }
void operator delete[](void* memory) noexcept { free(memory); }
void operator delete(void* memory, std::size_t) noexcept { free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { free(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { free(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { free(memory); }
void operator delete[](void* memory, const std::nothrow_t&) noexcept { free(memory); }
