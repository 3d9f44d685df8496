// A child of EAX: tour A with the edges of an E-set exchanged, its sub-tours joined. Only what changes is looked at.
#pragma once

#include "ab_cycles.hpp"

namespace minimand::tsp {

// An edge by its ends.
struct Leg {
    Vertex i, j;
};

class Offspring {
  public:
    Offspring(const Distance& distance, const VerticesIn& near)
        : distance_(distance),
          near_(near.data()),
          degree_(near.cols()),
          n_(static_cast<Vertex>(near.rows())),
          link_(static_cast<std::size_t>(2 * n_)),
          order_(static_cast<std::size_t>(n_)),
          place_(static_cast<std::size_t>(n_)),
          mark_(static_cast<std::size_t>(n_)) {}

    // Takes A: a copy of its links, its vertices in order.
    void set_parent(const Vertex* links) {
        std::copy(links, links + 2 * n_, link_.begin());
        Vertex v = 0, from = -1;
        for (Vertex p = 0; p < n_; ++p) {
            order_[index(p)] = v;
            place_[index(v)] = p;
            const Vertex next = link_[2 * index(v)] != from ? link_[2 * index(v)] : link_[2 * index(v) + 1];
            from = v;
            v = next;
        }
    }
    Vertex vertex(Vertex place) const { return order_[index(place)]; }

    // The place p of an edge of A: it leads from place p to the next one.
    Vertex place_of(Vertex x, Vertex y) const {
        const Vertex at = place_[index(x)];
        return after(at) == place_[index(y)] ? at : place_[index(y)];
    }

    // Makes the child of an E-set, the cycles `chosen` of `ab`; `gain`, `removed` and `added` say what it is.
    //     1. exchange the edges; the places where A was cut divide it into segments
    //     2. the segments and the new edges between their ends form sub-tours
    //     3. while there are several, take U, the one with the least vertices; of all pairs of an edge (u u') of U and
    //        an edge (c c') outside, c in near(u), exchange the one that gains most: it joins two sub-tours
    void make(const AbCycles& ab, const std::vector<std::size_t>& chosen);

    // Makes `links` those of A again.
    void undo() {
        for (std::size_t k = journal_.size(); k > 0; --k) link_[journal_[k - 1].slot] = journal_[k - 1].before;
        journal_.clear();
    }

    Length gain = 0;
    std::vector<Leg> removed, added;

  private:
    struct Segment {
        Vertex first, last;  // places; last < first where it passes the end of the array
        std::size_t tour;
    };
    struct Change {
        std::size_t slot;
        Vertex before;
    };
    struct Join {
        Length gain;
        Vertex u, u_next, c, c_next;  // (u u_next), (c c_next) leave, (u c), (u_next c_next) come
    };

    static std::size_t index(Vertex v) { return static_cast<std::size_t>(v); }
    Vertex after(Vertex p) const { return p + 1 == n_ ? 0 : p + 1; }
    Vertex segment_size(const Segment& s) const {
        return s.last >= s.first ? s.last - s.first + 1 : s.last - s.first + 1 + n_;
    }

    void replace(Vertex v, Vertex old_mate, Vertex new_mate) {
        const std::size_t slot = link_[2 * index(v)] == old_mate ? 2 * index(v) : 2 * index(v) + 1;
        journal_.push_back({slot, link_[slot]});
        link_[slot] = new_mate;
    }

    void exchange(const AbCycles& ab, const std::vector<std::size_t>& chosen);
    void cut();
    void label();
    void join_all();
    Join best_join(std::size_t u);
    Join between_cuts(std::size_t u) const;
    void consider(Vertex u, Vertex c, Join& best) const;
    void apply(const Join& join);
    std::size_t tour_at(Vertex place) const;
    void cancel(Leg edge, std::vector<Leg>& from, std::vector<Leg>& otherwise);

    const Distance distance_;
    const Vertex* near_;
    Index degree_;
    Vertex n_;
    std::vector<Vertex> link_, order_, place_;
    std::vector<std::uint32_t> mark_;
    std::uint32_t stamp_ = 0;

    std::vector<Change> journal_;
    std::vector<std::pair<Vertex, std::size_t>> cuts_;  // (place of the edge, number of its A-edge), sorted
    std::vector<std::size_t> rank_, next_;  // of an A-edge: among the cuts; the A-edge after the edge of B behind it
    std::vector<std::size_t> mate_;         // the end to which an edge of B leads from an end
    std::vector<std::pair<std::size_t, std::size_t>> ends_;  // of A-edges: the ends of segments where x, y are
    std::vector<Segment> segments_;
    std::vector<Vertex> sizes_;
};

}  // namespace minimand::tsp
