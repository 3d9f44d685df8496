#include "multifrontal.hpp"

#include <array>

namespace minimand::inpainting {
namespace {

constexpr double kTaskShare = 1.0 / 16;  // of the work, at most, in a task
constexpr double kSmallWork = 2e6;       // multiply-adds of a component that is a single task

}  // namespace

Storage::Storage(const Plan& plan, Index channels, Index first, Index last, int lanes) : first_(first), lanes_(lanes) {
    places_.reserve(static_cast<std::size_t>(last - first));
    for (Index f = first; f < last; ++f) {
        const FrontLayout layout(channels * plan.own(f), channels * plan.boundary_size(f));
        places_.push_back(Place{layout});
        largest_ = std::max(largest_, layout.own + layout.later);
    }
    for (Index f = last - 1; f >= first; --f) {  // so that children come in ascending order
        if (plan.parent(f) < 0) continue;
        Place& parent = place(plan.parent(f));
        place(f).next_sibling = parent.first_child;
        parent.first_child = f;
    }
    find_tasks(plan, last);
    allocate(plan, last);
}

void Storage::find_tasks(const Plan& plan, Index last) {
    std::vector<double> work(places_.size());
    std::vector<Index> begin(places_.size());
    double total = 0.0;
    for (Index f = first_; f < last; ++f) {
        const std::size_t at = static_cast<std::size_t>(f - first_);
        const double own = place(f).layout.work();
        work[at] += own;
        total += own;
        begin[at] = place(f).first_child < 0 ? f : begin[static_cast<std::size_t>(place(f).first_child - first_)];
        if (plan.parent(f) >= 0) work[static_cast<std::size_t>(plan.parent(f) - first_)] += work[at];
    }
    const double limit = total <= kSmallWork ? total : kTaskShare * total;
    const auto fits = [&](Index f) { return work[static_cast<std::size_t>(f - first_)] <= limit * (1 + 1e-12); };
    for (Index f = first_; f < last; ++f) {
        if (!fits(f)) {
            top_.push_back(f);
        } else if (plan.parent(f) < 0 || !fits(plan.parent(f))) {
            tasks_.push_back({begin[static_cast<std::size_t>(f - first_)], f});
        }
    }
}

void Storage::allocate(const Plan& plan, Index last) {
    std::vector<char> odd(places_.size());
    for (Index f = last - 1; f >= first_; --f) {
        const Index parent = plan.parent(f);
        odd[static_cast<std::size_t>(f - first_)] = parent >= 0 && !odd[static_cast<std::size_t>(parent - first_)];
        place(f).panel = size_;
        size_ += place(f).layout.panel_size();
    }
    // Two stacks; returns their greatest heights.
    using Heights = std::array<Index, 2>;
    const auto stack = [&](const auto& fronts, const auto& is_stacked) {
        Heights height{}, peak{};
        for (const Index f : fronts) {
            if (!is_stacked(f)) continue;
            const std::size_t parity = static_cast<std::size_t>(odd[static_cast<std::size_t>(f - first_)]);
            place(f).update = height[parity];
            height[parity] += place(f).layout.update_size();
            peak[parity] = std::max(peak[parity], height[parity]);
            for (Index child = place(f).first_child; child >= 0; child = place(child).next_sibling) {
                if (!is_stacked(child)) continue;
                height[1 - parity] = place(child).update;  // the first child lies lowest
                break;
            }
        }
        return peak;
    };
    const auto shift = [&](const auto& fronts, const Heights& base, const auto& is_stacked) {
        for (const Index f : fronts) {
            if (is_stacked(f))
                place(f).update += base[static_cast<std::size_t>(odd[static_cast<std::size_t>(f - first_)])];
        }
    };

    std::vector<char> is_top(places_.size());
    for (const Index f : top_) is_top[static_cast<std::size_t>(f - first_)] = 1;
    const auto in_top = [&](Index f) { return is_top[static_cast<std::size_t>(f - first_)] != 0; };
    const Heights top_peak = stack(top_, in_top);
    shift(top_, {size_, size_ + top_peak[0]}, in_top);
    size_ += top_peak[0] + top_peak[1];

    std::vector<std::vector<Index>> lists;
    Heights lane_peak{};
    for (const Task& task : tasks_) {
        std::vector<Index> fronts;
        for (Index f = task.begin; f < task.root; ++f) fronts.push_back(f);
        const Heights peak = stack(fronts, [](Index) { return true; });
        for (std::size_t parity = 0; parity < 2; ++parity)
            lane_peak[parity] = std::max(lane_peak[parity], peak[parity]);
        lists.push_back(std::move(fronts));
        place(task.root).update = size_;
        size_ += place(task.root).layout.update_size();
    }
    for (const std::vector<Index>& fronts : lists) {
        shift(fronts, {size_, size_ + lane_peak[0]}, [](Index) { return true; });
        for (const Index f : fronts) place(f).in_lane = true;
    }
    lane_size_ = lane_peak[0] + lane_peak[1];
    size_ += lanes_ * lane_size_;
}

void extend_add(const Plan& plan, Index channels, const Front& child_front, Index child, const Front& parent) {
    const Index* boundary = plan.boundary + 2 * plan.boundary_begin(child);
    const Index pixels = plan.boundary_size(child);
    struct Run {  // rows that follow each other in the parent too
        Index begin, end, shift;
    };
    std::vector<Run> runs;
    for (Index i = 0; i < pixels; ++i) {
        const Index shift = channels * (boundary[2 * i + 1] - i);
        if (runs.empty() || runs.back().shift != shift) runs.push_back({channels * i, 0, shift});
        runs.back().end = channels * (i + 1);
    }
    const Index right_hand_side = parent.own + parent.later;
    for (std::size_t first = 0; first < runs.size(); ++first) {
        for (Index j = runs[first].begin; j < runs[first].end; ++j) {
            double* into = parent.column(j + runs[first].shift);
            const double* from = child_front.update + j * child_front.update_stride;
            for (std::size_t r = first; r < runs.size(); ++r) {
                const Index begin = std::max(runs[r].begin, j);
                double* target = into + runs[r].shift;
                for (Index i = begin; i < runs[r].end; ++i) target[i] += from[i];
            }
            into[right_hand_side] += from[channels * pixels];
        }
    }
}

void substitute_backward(const Plan& plan, const Storage& storage, Index channels, double* work, double* solution,
                         Index plane, int threads) {
    std::vector<std::vector<double>> vectors(static_cast<std::size_t>(storage.lanes()));
    for (auto& one : vectors) one.resize(static_cast<std::size_t>(storage.largest()));
    storage.downwards(threads, [&](Index f, int lane, int) {
        const Front front = storage.front(f, work, lane);
        double* x = vectors[static_cast<std::size_t>(lane)].data();
        const Index *own = plan.order + plan.own_begin(f), *boundary = plan.boundary + 2 * plan.boundary_begin(f);
        for (Index i = 0; i < plan.boundary_size(f); ++i) {
            const Index pixel = plan.order[boundary[2 * i]];
            for (Index c = 0; c < channels; ++c) x[front.own + channels * i + c] = solution[c * plane + pixel];
        }
        front.solve_backward(x);
        for (Index i = 0; i < plan.own(f); ++i) {
            for (Index c = 0; c < channels; ++c) solution[c * plane + own[i]] = x[channels * i + c];
        }
    });
}

}  // namespace minimand::inpainting
