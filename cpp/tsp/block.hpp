// The Block2 strategy: sets of AB-cycles whose intermediate solution consists of few portions of A and of B.
#pragma once

#include "offspring.hpp"

namespace minimand::tsp {

class Blocks {
  public:
    explicit Blocks(Index n) : cycle_at_(static_cast<std::size_t>(n)), is_cut_(static_cast<std::size_t>(n)) {}

    // W(s, t) of all pairs of AB-cycles: +1 for each vertex where both pass, +1 for each maximal path of edges of both
    // tours between an end where s passes and one where t does. The portions of A and B alternate W(S, others) times
    // around the child of the E-set S.
    void weigh(const AbCycles& ab, const Offspring& parent);

    // AB-cycles by size, the largest first.
    const std::vector<std::size_t>& by_size() const { return by_size_; }

    // An E-set around the cycle of that rank: it, smaller cycles with W > 0 to it each with probability 1/2, and then a
    // tabu search over single smaller cycles for the least W(S, others): best flip that is not tabu (ties by rank), a
    // flipped one is tabu for 1..10 steps; ends after 20 steps without a new best.
    void choose(std::size_t centre, Philox& draws, std::vector<std::size_t>& chosen);

  private:
    void connect(std::size_t s, std::size_t t);
    int flip(std::size_t rank);

    // Cycles go by their ranks in by_size_ here.
    std::vector<std::size_t> by_size_, rank_;
    std::vector<std::size_t> cycle_at_;  // one that passes a vertex
    std::vector<std::uint8_t> is_cut_;   // whether the edge of A from a place to the next one is in a cycle
    std::vector<std::pair<std::size_t, std::size_t>> pairs_;
    std::vector<std::size_t> begin_, neighbours_;  // of each cycle, as often as the weight of the pair
    std::vector<int> total_, inside_, free_at_;    // W(t, all), W(t, S); the step from which t is no longer tabu
    std::vector<std::uint8_t> in_, best_;
};

}  // namespace minimand::tsp
