#include "pdhg.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "../common/parallel.hpp"

namespace minimand::inpainting {
namespace {

// A step needs one row above and one below each row. So a block of rows that knows `kAhead` more rows on either side
// does that many steps on its own, each with one row less, before blocks have to meet. Within a block the steps follow
// each other two rows apart, so that a row is read from memory once for all of them. Every number is computed by the
// same operations whatever the blocks are.
constexpr Index kAhead = 8;
constexpr Index kLeastRows = 64;       // of a block: the rows that two blocks both work on are an eighth of it
constexpr Index kBlocksPerThread = 4;  // so that a thread that is held up holds up a part only
constexpr double kParallelWork = 2e6;  // pixels times steps between two meetings from which threads pay

// 1/sqrt(max(1, square)) from single precision and one Newton step: relative error 1e-14, a third of the time, and
// exactly 1 where nothing is to be projected. A bound makes up for vectors that are too long by as much.
inline double shrinkage(double square) {
    const double a = std::max(1.0, square);
    const double y = static_cast<double>(1.0F / std::sqrt(static_cast<float>(a)));
    return y * (1.5 - 0.5 * a * y * y);
}

struct Problem {
    Grid grid;
    double *u, *p;
    const double *low, *high, *tau, *sigma;
};

class Block {
  public:
    Block(const Problem& problem, Index begin, Index end)
        : problem_(problem),
          grid_(problem.grid),
          n_(grid_.columns),
          begin_(begin),
          end_(end),
          first_(std::max<Index>(0, begin - kAhead)),
          last_(std::min(grid_.rows, end + kAhead)),
          halo_(static_cast<std::size_t>((last_ - first_ - (end - begin)) * 3 * row_size())),
          buffers_(static_cast<std::size_t>((4 * kAhead * grid_.channels + 1) * n_)) {}

    // Copies the rows of other blocks, as they are before anyone steps.
    void look_around() {
        for (Index i = first_; i < begin_; ++i) copy_row(i);
        for (Index i = end_; i < last_; ++i) copy_row(i);
    }

    // `steps` <= kAhead steps; the last one has relaxation 1 if it is `final`.
    void advance(Index steps, double relaxation, bool final) {
        for (Index front = first_; front < last_ + 2 * steps; ++front) {
            for (Index t = 0; t < steps; ++t) {
                const Index row = front - 2 * t;
                const Index margin = steps - 1 - t;
                const Index from = std::max<Index>(0, begin_ - margin), to = std::min(grid_.rows, end_ + margin);
                if (row < from || row >= to) continue;
                if (row == from) proximal_row(t, row);
                step_row(t, row, final && t + 1 == steps ? 1.0 : relaxation);
            }
        }
    }

  private:
    Index row_size() const { return grid_.channels * n_; }
    Index halo_row(Index i) const { return i < begin_ ? i - first_ : i - end_ + (begin_ - first_); }
    bool is_own(Index i) const { return i >= begin_ && i < end_; }

    void copy_row(Index i) {
        for (Index c = 0; c < grid_.channels; ++c) {
            const double* row = problem_.u + (c * grid_.rows + i) * n_;
            std::copy(row, row + n_, u_row(c, i));
        }
        if (i + 1 == grid_.rows) return;  // the last row has no terms
        for (Index plane = 0; plane < 2 * grid_.channels; ++plane) {
            const double* row = problem_.p + plane * grid_.terms() + i * (n_ - 1);
            std::copy(row, row + n_ - 1, p_row(plane, i));
        }
    }

    double* u_row(Index c, Index i) {
        return is_own(i) ? problem_.u + (c * grid_.rows + i) * n_
                         : halo_.data() + (halo_row(i) * 3 * grid_.channels + c) * n_;
    }
    double* p_row(Index plane, Index i) {
        return is_own(i) ? problem_.p + plane * grid_.terms() + i * (n_ - 1)
                         : halo_.data() + (halo_row(i) * 3 * grid_.channels + grid_.channels + plane) * n_;
    }
    // Two rows of v and of 2 v - u for each step on the way.
    double* v_row(Index t, Index c, Index i) {
        return buffers_.data() + (((4 * t + 2 * (i & 1)) * grid_.channels) + c) * n_;
    }
    double* ahead_row(Index t, Index c, Index i) { return v_row(t, c, i) + row_size(); }

    void step_row(Index t, Index i, double relaxation) {
        if (i + 1 < grid_.rows) {
            proximal_row(t, i + 1);
            if (grid_.channels == 1) {
                dual_row_of_one(t, i, relaxation);
            } else {
                dual_row(t, i, relaxation);
            }
        }
        for (Index c = 0; c < grid_.channels; ++c) {
            double* __restrict u = u_row(c, i);
            const double* v = v_row(t, c, i);
            // Written so that relaxation 1 gives v itself, in its box.
            for (Index j = 0; j < n_; ++j) u[j] = relaxation * v[j] + (1.0 - relaxation) * u[j];
        }
    }

    // v := clip(u - tau D'p), ahead := 2 v - u.
    void proximal_row(Index t, Index i) {
        const double* tau = problem_.tau + i * n_;
        for (Index c = 0; c < grid_.channels; ++c) {
            const Index offset = (c * grid_.rows + i) * n_;
            const double *u = u_row(c, i), *low = problem_.low + offset, *high = problem_.high + offset;
            double* __restrict v = v_row(t, c, i), * __restrict ahead = ahead_row(t, c, i);
            adjoint_row(c, i, v);
            for (Index j = 0; j < n_; ++j) {
                const double value = std::min(std::max(u[j] - tau[j] * v[j], low[j]), high[j]);
                v[j] = value;
                ahead[j] = 2.0 * value - u[j];
            }
        }
    }

    // r := D'p.
    void adjoint_row(Index c, Index i, double* __restrict r) {
        const Index inner = n_ - 1;
        if (i + 1 == grid_.rows) {
            const double* above = p_row(2 * c, i - 1);
            for (Index j = 0; j < inner; ++j) r[j] = above[j];
            r[inner] = 0.0;
            return;
        }
        const double *down = p_row(2 * c, i), *right = p_row(2 * c + 1, i);
        r[0] = -(down[0] + right[0]);
        for (Index j = 1; j < inner; ++j) r[j] = right[j - 1] - (down[j] + right[j]);
        r[inner] = right[inner - 1];
        if (i == 0) return;
        const double* above = p_row(2 * c, i - 1);
        for (Index j = 0; j < inner; ++j) r[j] += above[j];
    }

    // p += relaxation (q - p), q = p + sigma D ahead projected on the unit balls.
    void dual_row_of_one(Index t, Index i, double relaxation) {
        const double *sigma = problem_.sigma + i * (n_ - 1), *here = ahead_row(t, 0, i),
                     *below = ahead_row(t, 0, i + 1);
        double* __restrict down = p_row(0, i), * __restrict right = p_row(1, i);
        const double rest = 1.0 - relaxation;
        for (Index j = 0; j < n_ - 1; ++j) {
            const double q_down = down[j] + sigma[j] * (below[j] - here[j]);
            const double q_right = right[j] + sigma[j] * (here[j + 1] - here[j]);
            const double scale = relaxation * shrinkage(q_down * q_down + q_right * q_right);
            down[j] = rest * down[j] + scale * q_down;
            right[j] = rest * right[j] + scale * q_right;
        }
    }

    void dual_row(Index t, Index i, double relaxation) {
        const Index inner = n_ - 1;
        const double* sigma = problem_.sigma + i * inner;
        double* __restrict scale = buffers_.data() + 4 * kAhead * row_size();
        std::fill(scale, scale + inner, 0.0);
        for (Index c = 0; c < grid_.channels; ++c) {
            const double *here = ahead_row(t, c, i), *below = ahead_row(t, c, i + 1);
            const double *down = p_row(2 * c, i), *right = p_row(2 * c + 1, i);
            for (Index j = 0; j < inner; ++j) {
                const double q_down = down[j] + sigma[j] * (below[j] - here[j]);
                const double q_right = right[j] + sigma[j] * (here[j + 1] - here[j]);
                scale[j] += q_down * q_down + q_right * q_right;
            }
        }
        for (Index j = 0; j < inner; ++j) scale[j] = relaxation * shrinkage(scale[j]);
        const double rest = 1.0 - relaxation;
        for (Index c = 0; c < grid_.channels; ++c) {
            const double *here = ahead_row(t, c, i), *below = ahead_row(t, c, i + 1);
            double* __restrict down = p_row(2 * c, i), * __restrict right = p_row(2 * c + 1, i);
            for (Index j = 0; j < inner; ++j) {
                down[j] = rest * down[j] + scale[j] * (down[j] + sigma[j] * (below[j] - here[j]));
                right[j] = rest * right[j] + scale[j] * (right[j] + sigma[j] * (here[j + 1] - here[j]));
            }
        }
    }

    const Problem& problem_;
    const Grid grid_;
    const Index n_;
    const Index begin_, end_;   // own rows
    const Index first_, last_;  // with the rows around
    std::vector<double> halo_, buffers_;
};

}  // namespace

void pdhg_steps(MatrixOut image, MatrixOut dual, MatrixIn<double> low, MatrixIn<double> high, MatrixIn<double> tau,
                MatrixIn<double> sigma, Index channels, double relaxation, Index iterations, int threads) {
    const Grid grid = Grid::of(image.rows(), image.cols(), channels);
    const Problem problem{grid, image.data(), dual.data(), low.data(), high.data(), tau.data(), sigma.data()};
    const int team = static_cast<double>(image.size() * kAhead) < kParallelWork ? 1 : threads;
    const Index wanted = team == 1 ? 1 : team * kBlocksPerThread;
    const Index rows = std::max(kLeastRows, (grid.rows + wanted - 1) / wanted);
    std::vector<Block> tiles;
    for (Index begin = 0; begin < grid.rows; begin += rows) {
        tiles.emplace_back(problem, begin, std::min(begin + rows, grid.rows));
    }
    const Index count = static_cast<Index>(tiles.size());
    const auto tile = [&](Index index) -> Block& { return tiles[static_cast<std::size_t>(index)]; };
    for (Index done = 0; done < iterations; done += kAhead) {
        const Index steps = std::min(kAhead, iterations - done);
        const bool final = done + steps == iterations;
        parallel_for(count, team, [&](Index index) { tile(index).look_around(); });
        parallel_for(count, team, [&](Index index) { tile(index).advance(steps, relaxation, final); });
    }
}

}  // namespace minimand::inpainting
