#include "elimination.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <vector>

namespace minimand::inpainting {
namespace {

struct Pixel {
    std::int32_t row, column;
};

struct Front {
    Index begin, end;  // own positions
    Index parent;
};

class Dissection {
  public:
    Dissection(Index leaf, std::vector<Pixel>& order) : leaf_(leaf), order_(order) {}

    std::vector<Front> fronts;

    // Brings order[begin, end) into elimination order; the fronts without a parent yet are appended to `roots`.
    void cut(Index begin, Index end, std::vector<Index>& roots) {
        if (begin == end) return;
        if (end - begin <= leaf_) {
            add(begin, end, {}, roots);
            return;
        }
        const auto [by_rows, line] = choose_line(begin, end);
        const auto place = [by_rows = by_rows](Pixel p) { return by_rows ? p.row : p.column; };
        std::array<Index, 3> count{};
        parts_[0].clear();
        parts_[1].clear();
        Index write = begin;
        for (Index i = begin; i < end; ++i) {
            const Pixel pixel = order_[static_cast<std::size_t>(i)];
            const int part = place(pixel) < line ? 0 : place(pixel) > line ? 1 : 2;
            ++count[static_cast<std::size_t>(part)];
            if (part == 0) {
                order_[static_cast<std::size_t>(write++)] = pixel;
            } else {
                parts_[static_cast<std::size_t>(part - 1)].push_back(pixel);
            }
        }
        for (const auto& part : parts_) {
            for (const Pixel pixel : part) order_[static_cast<std::size_t>(write++)] = pixel;
        }
        std::vector<Index> children;
        const Index middle = begin + count[0], last = middle + count[1];
        cut(begin, middle, children);
        cut(middle, last, children);
        if (last == end) {  // an empty line separates without a front of its own
            roots.insert(roots.end(), children.begin(), children.end());
        } else {
            add(last, end, children, roots);
        }
    }

  private:
    void add(Index begin, Index end, const std::vector<Index>& children, std::vector<Index>& roots) {
        const Index front = static_cast<Index>(fronts.size());
        for (const Index child : children) fronts[static_cast<std::size_t>(child)].parent = front;
        fronts.push_back({begin, end, -1});
        roots.push_back(front);
    }

    struct Line {
        bool by_rows;
        std::int32_t place;
    };

    Line choose_line(Index begin, Index end) {
        Pixel low = order_[static_cast<std::size_t>(begin)], high = low;
        for (Index i = begin; i < end; ++i) {
            const Pixel pixel = order_[static_cast<std::size_t>(i)];
            low = {std::min(low.row, pixel.row), std::min(low.column, pixel.column)};
            high = {std::max(high.row, pixel.row), std::max(high.column, pixel.column)};
        }
        const bool by_rows = high.row - low.row >= high.column - low.column;
        const std::int32_t first = by_rows ? low.row : low.column;
        const std::int32_t extent = (by_rows ? high.row - low.row : high.column - low.column) + 1;
        const std::int32_t from = extent / 3, to = extent - 1 - extent / 3, middle = extent / 2;
        counts_.assign(static_cast<std::size_t>(extent), 0);
        for (Index i = begin; i < end; ++i) {
            const Pixel pixel = order_[static_cast<std::size_t>(i)];
            ++counts_[static_cast<std::size_t>((by_rows ? pixel.row : pixel.column) - first)];
        }
        std::int32_t best = middle;
        const auto count = [&](std::int32_t place) { return counts_[static_cast<std::size_t>(place)]; };
        const auto better = [&](std::int32_t a, std::int32_t b) {  // a before b
            if ((count(a) == 0) != (count(b) == 0)) return count(b) == 0;
            if (count(a) != count(b)) return count(a) < count(b);
            return std::abs(a - middle) < std::abs(b - middle);
        };
        for (std::int32_t place = from; place <= to; ++place) {
            if (better(place, best) || (place < best && !better(best, place))) best = place;
        }
        return {by_rows, first + best};
    }

    const Index leaf_;
    std::vector<Pixel>& order_;
    std::array<std::vector<Pixel>, 2> parts_;
    std::vector<std::int32_t> counts_;
};

// What a front touches, found from the leaves upwards.
class Symbolic {
  public:
    Symbolic(const std::vector<Front>& fronts, const std::vector<Pixel>& order, Index rows, Index columns)
        : fronts_(fronts), rows_(rows), columns_(columns), position_(static_cast<std::size_t>(rows * columns), -1) {
        for (std::size_t i = 0; i < order.size(); ++i) {
            position_[static_cast<std::size_t>(flat(order[i]))] = static_cast<std::int32_t>(i);
        }
        boundary.resize(fronts.size());
        for (std::size_t f = 0; f < fronts.size(); ++f) {
            std::vector<Index>& touched = boundary[f];  // the children have added theirs already
            for (Index i = fronts[f].begin; i < fronts[f].end; ++i) {
                neighbours(order[static_cast<std::size_t>(i)], touched);
            }
            std::sort(touched.begin(), touched.end());
            touched.erase(std::unique(touched.begin(), touched.end()), touched.end());
            touched.erase(touched.begin(), std::lower_bound(touched.begin(), touched.end(), fronts[f].end));
            if (fronts[f].parent >= 0) {
                std::vector<Index>& above = boundary[static_cast<std::size_t>(fronts[f].parent)];
                above.insert(above.end(), touched.begin(), touched.end());
            }
        }
    }

    std::vector<std::vector<Index>> boundary;  // of each front, positions, ascending

    Index position(Index pixel) const { return position_[static_cast<std::size_t>(pixel)]; }

    // Row of a position in a front: own pixels first, then the boundary.
    Index row(Index f, Index position) const {
        const Front& front = fronts_[static_cast<std::size_t>(f)];
        if (position < front.end) return position - front.begin;
        const std::vector<Index>& later = boundary[static_cast<std::size_t>(f)];
        return front.end - front.begin + (std::lower_bound(later.begin(), later.end(), position) - later.begin());
    }

  private:
    Index flat(Pixel pixel) const { return pixel.row * columns_ + pixel.column; }

    void neighbours(Pixel pixel, std::vector<Index>& touched) const {
        constexpr std::int32_t kOffsets[6][2] = {{-1, 0}, {-1, 1}, {0, -1}, {0, 1}, {1, -1}, {1, 0}};
        for (const auto& offset : kOffsets) {
            const Pixel other{pixel.row + offset[0], pixel.column + offset[1]};
            if (other.row < 0 || other.row >= rows_ || other.column < 0 || other.column >= columns_) continue;
            if (offset[1] == 0 && pixel.column == columns_ - 1) continue;  // no term ties these two
            if (offset[0] == 0 && pixel.row == rows_ - 1) continue;
            const Index place = position(flat(other));
            if (place >= 0) touched.push_back(place);
        }
    }

    const std::vector<Front>& fronts_;
    const Index rows_, columns_;
    std::vector<std::int32_t> position_;  // of each pixel, -1 for one that is not eliminated
};

// Sorts the terms by the front that adds them, and finds their pixels in it.
void place_terms(Eigen::Ref<const IndexVector> terms, Index columns, const std::vector<Front>& fronts,
                 const Symbolic& symbolic, IndexTable& front_table, IndexTable& term_table) {
    std::vector<Index> front_of;
    for (std::size_t f = 0; f < fronts.size(); ++f) {
        front_of.insert(front_of.end(), static_cast<std::size_t>(fronts[f].end - fronts[f].begin),
                        static_cast<Index>(f));
    }
    const auto pixel_positions = [&](Index term) {
        return std::array<Index, 3>{symbolic.position(term), symbolic.position(term + columns),
                                    symbolic.position(term + 1)};
    };
    const auto first_front = [&](Index term) {
        Index first = static_cast<Index>(front_of.size()) - 1;
        for (const Index position : pixel_positions(term)) {
            if (position >= 0) first = std::min(first, position);
        }
        return front_of[static_cast<std::size_t>(first)];
    };
    front_table.col(2).setZero();
    for (Index t = 0; t < terms.size(); ++t) ++front_table(first_front(terms[t]) + 1, 2);
    for (Index f = 0; f < static_cast<Index>(fronts.size()); ++f) front_table(f + 1, 2) += front_table(f, 2);

    std::vector<Index> next(fronts.size());
    for (std::size_t f = 0; f < fronts.size(); ++f) next[f] = front_table(static_cast<Index>(f), 2);
    for (Index t = 0; t < terms.size(); ++t) {
        const Index f = first_front(terms[t]);
        const std::array<Index, 3> positions = pixel_positions(terms[t]);
        const Index row = next[static_cast<std::size_t>(f)]++;
        term_table(row, 0) = terms[t];
        for (std::size_t q = 0; q < 3; ++q) {
            term_table(row, static_cast<Index>(q) + 1) = positions[q] < 0 ? -1 : symbolic.row(f, positions[q]);
        }
    }
}

}  // namespace

std::tuple<IndexVector, IndexTable, IndexTable, IndexTable, IndexVector> plan_elimination(
    Eigen::Ref<const IndexVector> pixels, Eigen::Ref<const IndexVector> pixel_begin,
    Eigen::Ref<const IndexVector> terms, Index rows, Index columns, Index leaf) {
    std::vector<Pixel> sorted(static_cast<std::size_t>(pixels.size()));
    for (Index i = 0; i < pixels.size(); ++i) {
        sorted[static_cast<std::size_t>(i)] = {static_cast<std::int32_t>(pixels[i] / columns),
                                               static_cast<std::int32_t>(pixels[i] % columns)};
    }
    const Index count = pixel_begin.size() - 1;
    IndexVector component_front = IndexVector::Zero(count + 1);
    Dissection dissection(leaf, sorted);
    std::vector<Index> roots;
    for (Index c = 0; c < count; ++c) {
        dissection.cut(pixel_begin[c], pixel_begin[c + 1], roots);
        component_front[c + 1] = static_cast<Index>(dissection.fronts.size());
    }
    const std::vector<Front>& fronts = dissection.fronts;
    const Symbolic symbolic(fronts, sorted, rows, columns);

    const Index size = static_cast<Index>(fronts.size());
    IndexTable front_table(size + 1, 4), term_table(terms.size(), 4);
    front_table.row(size) << pixels.size(), 0, 0, -1;
    Index edges = 0;
    for (Index f = 0; f < size; ++f) {
        const Front& front = fronts[static_cast<std::size_t>(f)];
        front_table.row(f) << front.begin, edges, 0, front.parent;
        edges += static_cast<Index>(symbolic.boundary[static_cast<std::size_t>(f)].size());
    }
    front_table(size, 1) = edges;

    IndexTable boundary(edges, 2);
    for (Index f = 0; f < size; ++f) {
        Index row = front_table(f, 1);
        for (const Index position : symbolic.boundary[static_cast<std::size_t>(f)]) {
            boundary.row(row++) << position, symbolic.row(front_table(f, 3), position);
        }
    }
    place_terms(terms, columns, fronts, symbolic, front_table, term_table);

    IndexVector order(pixels.size());
    for (Index i = 0; i < pixels.size(); ++i) {
        const Pixel pixel = sorted[static_cast<std::size_t>(i)];
        order[i] = pixel.row * columns + pixel.column;
    }
    return {order, front_table, boundary, term_table, component_front};
}

}  // namespace minimand::inpainting
