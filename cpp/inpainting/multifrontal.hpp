// Multifrontal factorisation and solution of H x = b on the fronts of an elimination plan.
//
// Duff, Reid, ACM Trans. Math. Softw. 9 (1983) 302, 10.1145/356044.356047; Liu, SIAM Review 34 (1992) 82,
// 10.1137/1034004. The right-hand side is a last row of every front, so that the forward substitution is a part of the
// factorisation.
#pragma once

#include <algorithm>
#include <atomic>
#include <vector>

#include "../common/parallel.hpp"
#include "elimination.hpp"
#include "front.hpp"

namespace minimand::inpainting {

// Where the fronts of one component keep their numbers, and which of them threads may work on side by side. Subtrees of
// at most a sixteenth of the work are tasks, taken in any order; what lies above them is factored one front after the
// other, each by all threads. Updates are stacked, at even and at odd depth apart, so that a front never lies on its
// children; the update of a task's root outlives the task.
class Storage {
  public:
    // Fronts first..last-1 are one component; at most `lanes` tasks run at a time.
    Storage(const Plan& plan, Index channels, Index first, Index last, int lanes);

    Index size() const { return size_; }  // doubles of work space
    Index tasks() const { return static_cast<Index>(tasks_.size()); }
    int lanes() const { return lanes_; }
    Index largest() const { return largest_; }  // rows of a front

    Front front(Index f, double* work, int lane) const {
        const Place& at = place(f);
        return {at.layout, work + at.panel, work + at.update + (at.in_lane ? lane * lane_size_ : 0)};
    }

    // Calls body(f, lane, threads) for every front, children before parents, and upside down.
    template <class Body>
    void upwards(int threads, Body&& body) const {
        each_task(threads, [&](const Task& task, int lane) {
            for (Index f = task.begin; f <= task.root; ++f) body(f, lane, 1);
        });
        for (const Index f : top_) body(f, 0, threads);
    }
    template <class Body>
    void downwards(int threads, Body&& body) const {
        for (auto f = top_.rbegin(); f != top_.rend(); ++f) body(*f, 0, threads);
        each_task(threads, [&](const Task& task, int lane) {
            for (Index f = task.root; f >= task.begin; --f) body(f, lane, 1);
        });
    }

    template <class Body>
    void children(Index f, Body&& body) const {
        for (Index child = place(f).first_child; child >= 0; child = place(child).next_sibling) body(child);
    }

  private:
    struct Task {
        Index begin, root;  // fronts begin..root are a subtree
    };
    struct Place {
        FrontLayout layout;
        Index panel = 0, update = 0;
        bool in_lane = false;  // the update is on the stack of whichever lane does the task
        Index first_child = -1, next_sibling = -1;
    };

    Place& place(Index f) { return places_[static_cast<std::size_t>(f - first_)]; }
    const Place& place(Index f) const { return places_[static_cast<std::size_t>(f - first_)]; }
    void find_tasks(const Plan& plan, Index last);
    void allocate(const Plan& plan, Index last);

    template <class Body>
    void each_task(int threads, Body&& body) const {
        std::atomic<Index> next{0};
        parallel_for(std::min<Index>(lanes_, threads), threads, [&](Index lane) {
            for (Index t = next++; t < tasks(); t = next++) {
                body(tasks_[static_cast<std::size_t>(t)], static_cast<int>(lane));
            }
        });
    }

    const Index first_;
    const int lanes_;
    Index size_ = 0, lane_size_ = 0, largest_ = 0;
    std::vector<Place> places_;
    std::vector<Task> tasks_;
    std::vector<Index> top_;
};

// Adds the update of a child to its parent's front.
void extend_add(const Plan& plan, Index channels, const Front& child_front, Index child, const Front& parent);

// Factors H and substitutes forward; add(f, front, lane) adds what the terms of front f contribute to matrix and
// right-hand side.
template <class AddTerms>
void eliminate(const Plan& plan, const Storage& storage, Index channels, double* work, int threads, AddTerms&& add) {
    std::vector<std::vector<double>> diagonal(static_cast<std::size_t>(storage.lanes()));
    for (auto& one : diagonal) one.resize(static_cast<std::size_t>(storage.largest()));
    storage.upwards(threads, [&](Index f, int lane, int team) {
        const Front front = storage.front(f, work, lane);
        std::fill_n(front.panel, front.panel_size(), 0.0);
        std::fill_n(front.update, front.update_size(), 0.0);
        add(f, front, lane);
        storage.children(
            f, [&](Index child) { extend_add(plan, channels, storage.front(child, work, lane), child, front); });
        front.factor(diagonal[static_cast<std::size_t>(lane)].data(), team);
    });
}

// Substitutes backward; writes x into the planes of `solution` (channels x plane) at the pixels of the component.
void substitute_backward(const Plan& plan, const Storage& storage, Index channels, double* work, double* solution,
                         Index plane, int threads);

}  // namespace minimand::inpainting
