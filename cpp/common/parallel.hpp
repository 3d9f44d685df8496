// The only file that speaks to OpenMP.
//
// The same bits for any thread count: the caller cuts the work into tasks by the sizes of the problem alone, a task
// writes to its own place, and reductions run over the task index in a fixed tree. Threads only decide who works.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>
#include <thread>
#include <type_traits>
#include <utility>

#include "types.hpp"

#ifdef _OPENMP
#include <omp.h>
#endif

namespace minimand {

inline int max_threads() {
#ifdef _OPENMP
    return omp_get_max_threads();
#else
    return 1;
#endif
}

// Calls body(task) once for every 0 <= task < count. An exception that leaves an OpenMP region ends the process, so the
// first one is kept, the remaining tasks are skipped, and it is thrown again after the join.
template <class Body>
void parallel_for(Index count, int threads, Body&& body) {
    if (threads <= 1 || count <= 1) {
        for (Index task = 0; task < count; ++task) body(task);
        return;
    }
#ifdef _OPENMP
    std::exception_ptr error;
    std::atomic<bool> failed{false};
    const int team = static_cast<int>(std::min<Index>(threads, count));
#pragma omp parallel for num_threads(team) schedule(dynamic, 1)
    for (Index task = 0; task < count; ++task) {
        if (failed.load(std::memory_order_relaxed)) continue;
        try {
            body(task);
        } catch (...) {
            if (!failed.exchange(true)) error = std::current_exception();
        }
    }
    if (error) std::rethrow_exception(error);
#else
    for (Index task = 0; task < count; ++task) body(task);
#endif
}

// Combines slots 0..count-1 pairwise into slot 0, in the fixed order of a binary tree: combine(into, from).
template <class Combine>
void parallel_reduce(Index count, int threads, Combine&& combine) {
    for (Index stride = 1; stride < count; stride *= 2) {
        const Index pairs = (count - stride + 2 * stride - 1) / (2 * stride);
        parallel_for(pairs, threads, [&](Index pair) {
            const Index into = pair * 2 * stride;
            combine(into, into + stride);
        });
    }
}

// Threads that stay together over many short loops, for kernels whose loops last microseconds each.
//
// The caller's thread works on the tasks too and waits for those alone that another thread has taken, never for a
// thread that is not running: a busy machine costs the help, not the time. Helpers spin between loops, and yield when
// that lasts.
class Team {
  public:
    explicit Team(int threads) : threads_(threads) {}
    int threads() const { return threads_; }

    // As parallel_for; only the thread that runs `lead` may call it, and not from a task.
    template <class Body>
    void run(Index count, Body&& body) {
        if (threads_ <= 1 || count <= 1) {
            for (Index task = 0; task < count; ++task) body(task);
            return;
        }
        using Callable = std::remove_reference_t<Body>;
        call_ = [](void* data, Index task) { (*static_cast<Callable*>(data))(task); };
        data_ = const_cast<void*>(static_cast<const void*>(&body));
        done_.store(0, std::memory_order_relaxed);
        const std::uint64_t generation = (tickets_.load(std::memory_order_relaxed) >> 40) + 1;
        const auto tasks = static_cast<std::uint64_t>(count);
        tickets_.store(generation << 40 | tasks << 20, std::memory_order_release);
        while (take_one()) {
        }
        for (int spins = 0; done_.load(std::memory_order_acquire) < count; ++spins) pause(spins);
        if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
    }

    // Runs lead() with the helpers at its side.
    template <class Lead>
    void work(Lead&& lead) {
#ifdef _OPENMP
        if (threads_ > 1) {
            std::exception_ptr error;
#pragma omp parallel num_threads(threads_)
            {
                if (omp_get_thread_num() == 0) {
                    try {
                        lead();
                    } catch (...) {
                        error = std::current_exception();
                    }
                    stopped_.store(true, std::memory_order_release);
                } else {
                    serve();
                }
            }
            if (error) std::rethrow_exception(error);
            return;
        }
#endif
        threads_ = 1;
        lead();
    }

  private:
    // One word holds the loop's number (24 bits), its tasks (20) and the next one (20), so that nobody takes a task of
    // a loop that is over.
    bool take_one() {
        constexpr std::uint64_t kMask = (std::uint64_t{1} << 20) - 1;
        std::uint64_t ticket = tickets_.load(std::memory_order_acquire);
        do {
            if ((ticket & kMask) >= (ticket >> 20 & kMask)) return false;
        } while (!tickets_.compare_exchange_weak(ticket, ticket + 1, std::memory_order_acq_rel));
        try {
            call_(data_, static_cast<Index>(ticket & kMask));
        } catch (...) {
            if (!failed_.exchange(true)) error_ = std::current_exception();
        }
        done_.fetch_add(1, std::memory_order_acq_rel);
        return true;
    }

    void serve() {
        for (int spins = 0; !stopped_.load(std::memory_order_acquire); ++spins) {
            if (take_one())
                spins = 0;
            else
                pause(spins);
        }
    }

    static void pause(int spins) {
        constexpr int kSpins = 4096;  // some 50 microseconds
        if (spins > kSpins) {
            std::this_thread::yield();
            return;
        }
#if defined(__x86_64__)
        __builtin_ia32_pause();
#endif
    }

    int threads_;
    void (*call_)(void*, Index) = nullptr;
    void* data_ = nullptr;
    std::exception_ptr error_;
    alignas(64) std::atomic<std::uint64_t> tickets_{0};
    alignas(64) std::atomic<Index> done_{0};
    alignas(64) std::atomic<bool> stopped_{false};
    std::atomic<bool> failed_{false};
};

}  // namespace minimand
