#include "newton.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "../common/parallel.hpp"
#include "component.hpp"

namespace minimand::inpainting {
namespace {

constexpr Index kLarge = 50'000;   // pixels and channels of a component from which threads within it pay
constexpr Index kSeveral = 2'000;  // of all components together from which threads beside each other pay

// Calls body(component index, its part of the work space, threads within). Several components run side by side; a
// single one has all threads for itself.
template <class Body>
void each_component(const Plan& plan, Index channels, Index first, Index last, double* work, Index size, int threads,
                    Body&& body) {
    const Index weight = channels * (plan.own_begin(plan.components[last]) - plan.own_begin(plan.components[first]));
    if (last - first == 1) {
        body(first, work, weight < kLarge ? 1 : threads);
        return;
    }
    const int lanes = weight < kSeveral ? 1 : threads;
    std::atomic<Index> next{first};
    parallel_for(lanes, lanes, [&](Index lane) {
        for (Index c = next++; c < last; c = next++) body(c, work + lane * (size / threads), 1);
    });
}

template <class Body>
void with_channels(Index channels, Body&& body) {
    if (channels == 1) {
        body(std::integral_constant<int, 1>{});
    } else if (channels == 3) {
        body(std::integral_constant<int, 3>{});
    } else {
        body(std::integral_constant<int, 0>{});
    }
}

}  // namespace

Index newton_work_size(IndexTableIn fronts, Eigen::Ref<const IndexVector> component_front, Index channels,
                       int threads) {
    const Plan plan{nullptr, fronts.data(), nullptr, nullptr, component_front.data()};
    const Index count = component_front.size() - 1;
    const int inner = count == 1 ? threads : 1;
    Index largest = 0;
    for (Index c = 0; c < count; ++c) {
        const Index first = plan.components[c], last = plan.components[c + 1];
        const Index terms = plan.term_begin(last) - plan.term_begin(first);
        largest = std::max(largest, Storage(plan, channels, first, last, inner).size() + 2 * channels * terms);
    }
    return count == 1 ? largest : threads * largest;
}

void newton_start(MatrixOut image, MatrixIn<double> low, MatrixIn<double> high, MatrixOut delta, Index channels,
                  Eigen::Ref<const IndexVector> order, IndexTableIn fronts, IndexTableIn boundary,
                  IndexTableIn term_table, Eigen::Ref<const IndexVector> component_front, Index first, Index last,
                  VectorOut work, int threads) {
    const Plan plan{order.data(), fronts.data(), boundary.data(), term_table.data(), component_front.data()};
    const Fields fields{Grid::of(image.rows(), image.cols(), channels),
                        image.data(),
                        nullptr,
                        nullptr,
                        nullptr,
                        delta.data(),
                        low.data(),
                        high.data()};
    with_channels(channels, [&](auto constant) {
        each_component(
            plan, channels, first, last, work.data(), work.size(), threads,
            [&](Index c, double* space, int team) { Component<constant.value>(fields, plan, c, space, team).fill(); });
    });
}

void newton_steps(MatrixOut image, MatrixOut dual, MatrixOut best_image, MatrixOut best_dual, MatrixIn<double> low,
                  MatrixIn<double> high, MatrixOut delta, Index channels, Eigen::Ref<const IndexVector> order,
                  IndexTableIn fronts, IndexTableIn boundary, IndexTableIn term_table,
                  Eigen::Ref<const IndexVector> component_front, Index first, Index last, MatrixOut state,
                  VectorIn target, Index max_iterations, VectorOut work, int threads) {
    const Plan plan{order.data(), fronts.data(), boundary.data(), term_table.data(), component_front.data()};
    const Fields fields{Grid::of(image.rows(), image.cols(), channels),
                        image.data(),
                        dual.data(),
                        best_image.data(),
                        best_dual.data(),
                        delta.data(),
                        low.data(),
                        high.data()};
    with_channels(channels, [&](auto constant) {
        each_component(plan, channels, first, last, work.data(), work.size(), threads,
                       [&](Index c, double* space, int team) {
                           double* own = state.data() + 5 * c;
                           const auto done = [&] { return own[1] - own[2] <= target[c] || own[4] != 0.0; };
                           if (done()) return;
                           Component<constant.value> component(fields, plan, c, space, team);
                           if (std::isinf(own[1])) component.assess_best(own);  // the start
                           for (Index i = 0; i < max_iterations && !done(); ++i) component.iterate(own);
                       });
    });
}

}  // namespace minimand::inpainting
