#include "local_search.hpp"

#include <numeric>

#include "../common/parallel.hpp"
#include "search.hpp"

namespace minimand::tsp {

Index descend(const MatrixIn<double>& points, const LengthsIn& lengths, int metric, double scale,
              const VerticesIn& mates, Length penalty, const VerticesIn& near, VerticesOut tours, PendingOut pending,
              Index budget, int threads) {
    const Distance distance(points, lengths, metric, scale, mates, penalty);
    std::vector<Index> left(static_cast<std::size_t>(tours.rows()));
    parallel_for(tours.rows(), threads, [&](Index row) {
        Search search(distance, near, tours.data() + row * tours.cols());
        for (Vertex v = 0; v < tours.cols(); ++v) {
            if (pending(row, v)) search.queue().push(v);
        }
        pending.row(row).setZero();
        search.descend(budget);
        left[static_cast<std::size_t>(row)] = search.queue().count();
        while (!search.queue().empty()) pending(row, search.queue().pop()) = 1;
    });
    return std::accumulate(left.begin(), left.end(), Index{0});
}

Length kick(const MatrixIn<double>& points, const LengthsIn& lengths, int metric, double scale, const VerticesIn& mates,
            Length penalty, const VerticesIn& near, TourOut tour, const KeyIn& key, Index first_kick, Index kicks) {
    const Distance distance(points, lengths, metric, scale, mates, penalty);
    Search search(distance, near, tour.data());
    Length gained = 0;
    for (Index k = first_kick; k < first_kick + kicks; ++k) {
        Philox draws(key[0], key[1], static_cast<std::uint64_t>(k));
        gained += search.kick(draws);
    }
    return gained;
}

}  // namespace minimand::tsp
