// The only file that speaks to OpenMP.
//
// The same bits for any thread count: the caller cuts the work into tasks by the sizes of the problem alone, a task
// writes to its own place, and reductions run over the task index in a fixed tree. Threads only decide who works.
#pragma once

#include <algorithm>
#include <atomic>
#include <exception>
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

}  // namespace minimand
