#include "component.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <type_traits>

#include "../common/parallel.hpp"

namespace minimand::inpainting {
namespace {

constexpr Index kBlock = 2048;      // terms or pixels that are summed together
constexpr double kBoundary = 0.99;  // how far towards the nearest ball's surface
constexpr double kLeastBeta = 1e-13;
constexpr double kProgress = 1e-15;  // relative; less is not
constexpr int kHalvings = 30;

// D'D of one term, for its pixels (i,j), (i+1,j), (i,j+1).
constexpr double kGram[3][3] = {{2, -1, -1}, {-1, 1, 0}, {-1, 0, 1}};

// `factor` numbers for each channel, on the stack when their number is known.
template <int Channels, int Factor>
struct Numbers {
    std::array<double, Channels * Factor> values;
    explicit Numbers(Index) {}
    double& operator[](Index i) { return values[static_cast<std::size_t>(i)]; }
    double operator[](Index i) const { return values[static_cast<std::size_t>(i)]; }
};
template <int Factor>
struct Numbers<0, Factor> {
    std::vector<double> values;
    explicit Numbers(Index channels) : values(static_cast<std::size_t>(channels * Factor)) {}
    double& operator[](Index i) { return values[static_cast<std::size_t>(i)]; }
    double operator[](Index i) const { return values[static_cast<std::size_t>(i)]; }
};

}  // namespace

template <int Channels>
struct Component<Channels>::Term {
    explicit Term(Index channels)
        : count(channels), g(channels), p(channels), step(channels), G(channels), P(channels) {}

    const Index count;
    Numbers<Channels, 2> g, p, step;  // D u, p, D delta: for each channel down and right
    Numbers<Channels, 3> G, P;        // their scalar products with the columns of D: for each pixel all channels

    Index channels() const { return Channels > 0 ? Channels : count; }

    // The differences of an image in the term whose first pixel is `pixel`.
    static void differences(const double* u, Index pixel, const Grid& grid, Index channels, Numbers<Channels, 2>& d) {
        for (Index c = 0; c < channels; ++c) {
            const double* at = u + c * grid.pixels() + pixel;
            d[2 * c] = at[grid.columns] - at[0];
            d[2 * c + 1] = at[1] - at[0];
        }
    }
    void load_dual(const double* dual, Index term, const Grid& grid) {
        for (Index plane = 0; plane < 2 * channels(); ++plane) p[plane] = dual[plane * grid.terms() + term];
    }
    double square(const Numbers<Channels, 2>& a) const { return dot(a, a); }
    double dot(const Numbers<Channels, 2>& a, const Numbers<Channels, 2>& b) const {
        double sum = 0.0;
        for (Index k = 0; k < 2 * channels(); ++k) sum += a[k] * b[k];
        return sum;
    }
    void project(const Numbers<Channels, 2>& from, Numbers<Channels, 3>& to) const {
        const Index d = channels();
        for (Index c = 0; c < d; ++c) {
            to[c] = -from[2 * c] - from[2 * c + 1];
            to[d + c] = from[2 * c];
            to[2 * d + c] = from[2 * c + 1];
        }
    }
};

template <int Channels>
Component<Channels>::Component(const Fields& fields, const Plan& plan, Index index, double* work, int threads)
    : fields_(fields),
      plan_(plan),
      first_(plan.components[index]),
      last_(plan.components[index + 1]),
      term_begin_(plan.term_begin(first_)),
      term_end_(plan.term_begin(last_)),
      pixel_begin_(plan.own_begin(first_)),
      pixel_end_(plan.own_begin(last_)),
      work_(work),
      threads_(threads),
      storage_(plan, fields.grid.channels, first_, last_, threads),
      steps_(work + storage_.size()) {}

template <int Channels>
Index Component<Channels>::work_size() const {
    return storage_.size() + 2 * channels() * (term_end_ - term_begin_);
}

template <int Channels>
void Component<Channels>::fill() {
    solve(-1.0);
    move_primal(1.0);
    const Grid& grid = fields_.grid;
    for (Index i = pixel_begin_; i < pixel_end_; ++i) {
        for (Index at = plan_.order[i], c = 0; c < channels(); ++c, at += grid.pixels()) {
            fields_.image[at] = std::min(std::max(fields_.image[at], fields_.low[at]), fields_.high[at]);
        }
    }
}

template <int Channels>
void Component<Channels>::iterate(double* state) {
    double &beta = state[0], &iterations = state[3], &stalled = state[4];
    solve(beta);
    const double dual_length = dual_step(beta), primal_length = primal_step(beta);
    move_dual(dual_length);
    move_primal(primal_length);

    const bool better = keep_best(state);
    iterations += 1.0;
    if (beta <= kLeastBeta && !better) stalled = 1.0;
    const double length = std::min(dual_length, primal_length);
    beta = std::max(kLeastBeta, beta * (length > 0.5 ? 0.2 : length > 0.1 || !better ? 0.6 : 1.0));
}

template <int Channels>
void Component<Channels>::assess_best(double* state) const {
    const Bounds found = bounds(fields_.best_image, fields_.best_dual);
    state[1] = found.upper;
    state[2] = found.lower;
}

template <int Channels>
bool Component<Channels>::keep_best(double* state) const {
    double &upper = state[1], &lower = state[2];
    const Bounds found = bounds(fields_.image, fields_.dual);
    const bool better = found.upper < upper * (1.0 - kProgress) || found.lower > lower + kProgress * std::abs(lower);
    if (found.upper < upper) {
        upper = found.upper;
        keep_image();
    }
    if (found.lower > lower) {
        lower = found.lower;
        keep_dual();
    }
    return better;
}

template <int Channels>
void Component<Channels>::solve(double beta) {
    std::vector<Term> terms(static_cast<std::size_t>(storage_.lanes()), Term(channels()));
    eliminate(plan_, storage_, channels(), work_, threads_, [&](Index f, const Front& front, int lane) {
        add_terms(f, front, beta, terms[static_cast<std::size_t>(lane)]);
    });
    substitute_backward(plan_, storage_, channels(), work_, fields_.delta, fields_.grid.pixels(), threads_);
}

// H += D'M D with M = (I - (p g' + g p')/(2 eta))/eta, right-hand side -= D'g/eta. Harmonic: p = 0 and eta = 1.
template <int Channels>
void Component<Channels>::add_terms(Index f, const Front& front, double beta, Term& term) const {
    const Index d = channels(), right_hand_side = front.own + front.later;
    for (Index t = plan_.term_begin(f); t < plan_.term_begin(f + 1); ++t) {
        const Index* entry = plan_.terms + 4 * t;
        Term::differences(fields_.image, entry[0], fields_.grid, d, term.g);
        double inverse = 1.0;
        if (beta < 0.0) {
            for (Index k = 0; k < 3 * d; ++k) term.P[k] = 0.0;
        } else {
            term.load_dual(fields_.dual, dual_index(entry[0]), fields_.grid);
            inverse = 1.0 / std::sqrt(term.square(term.g) + beta * beta);
            term.project(term.p, term.P);
        }
        term.project(term.g, term.G);
        const double half = 0.5 * inverse;
        for (Index a = 0; a < 3; ++a) {
            if (entry[a + 1] < 0) continue;
            for (Index ca = 0; ca < d; ++ca) {
                const Index j = d * entry[a + 1] + ca;
                double* column = front.column(j);
                const double Ga = term.G[a * d + ca], Pa = term.P[a * d + ca];
                column[right_hand_side] -= inverse * Ga;
                for (Index b = 0; b < 3; ++b) {
                    if (entry[b + 1] < entry[a + 1]) continue;  // unknown pixels from the diagonal downwards
                    for (Index cb = a == b ? ca : 0; cb < d; ++cb) {
                        const double outer = half * (Pa * term.G[b * d + cb] + Ga * term.P[b * d + cb]);
                        column[d * entry[b + 1] + cb] += inverse * ((ca == cb ? kGram[a][b] : 0.0) - outer);
                    }
                }
            }
        }
    }
}

template <int Channels>
double Component<Channels>::dual_step(double beta) {
    const Index d = channels();
    const double longest = reduce(
        term_begin_, term_end_, std::numeric_limits<double>::infinity(),
        [&](Index begin, Index end) {
            Term term(d);
            double least = std::numeric_limits<double>::infinity();
            for (Index t = begin; t < end; ++t) {
                const Index pixel = plan_.terms[4 * t];
                Term::differences(fields_.image, pixel, fields_.grid, d, term.g);
                Term::differences(fields_.delta, pixel, fields_.grid, d, term.step);
                term.load_dual(fields_.dual, dual_index(pixel), fields_.grid);
                const double inverse = 1.0 / std::sqrt(term.square(term.g) + beta * beta), half = 0.5 * inverse;
                const double along_g = half * term.dot(term.g, term.step), along_p = half * term.dot(term.p, term.step);
                double* step = steps_ + 2 * d * (t - term_begin_);
                double A = 0.0, B = 0.0, C = 1.0;  // |p + x step| = 1 for A x^2 + 2 B x = C
                for (Index k = 0; k < 2 * d; ++k) {
                    const double moved = term.step[k] - term.p[k] * along_g - term.g[k] * along_p;
                    step[k] = inverse * (term.g[k] + moved) - term.p[k];
                    A += step[k] * step[k];
                    B += step[k] * term.p[k];
                    C -= term.p[k] * term.p[k];
                }
                C = std::max(C, 0.0);
                const double root = std::sqrt(B * B + A * C);
                const double limit = B > 0.0 ? C / (B + root) : (root - B) / A;  // without cancellation
                if (limit < least) least = limit;                                // NaN, for A = 0, is no limit
            }
            return least;
        },
        [](double a, double b) { return std::min(a, b); });
    return std::min(1.0, kBoundary * longest);
}

template <int Channels>
void Component<Channels>::move_dual(double length) {
    const Index d = channels(), plane = fields_.grid.terms();
    reduce(
        term_begin_, term_end_, 0,
        [&](Index begin, Index end) {
            for (Index t = begin; t < end; ++t) {
                double* p = fields_.dual + dual_index(plan_.terms[4 * t]);
                const double* step = steps_ + 2 * d * (t - term_begin_);
                for (Index k = 0; k < 2 * d; ++k) p[k * plane] += length * step[k];
            }
            return 0;
        },
        [](int, int) { return 0; });
}

template <int Channels>
double Component<Channels>::primal_step(double beta) const {
    const Index d = channels();
    const auto smoothed = [&](double length) {
        return reduce(
            term_begin_, term_end_, 0.0,
            [&](Index begin, Index end) {
                Term term(d);
                double sum = 0.0;
                for (Index t = begin; t < end; ++t) {
                    const Index pixel = plan_.terms[4 * t];
                    Term::differences(fields_.image, pixel, fields_.grid, d, term.g);
                    Term::differences(fields_.delta, pixel, fields_.grid, d, term.step);
                    for (Index k = 0; k < 2 * d; ++k) term.g[k] += length * term.step[k];
                    sum += std::sqrt(term.square(term.g) + beta * beta);
                }
                return sum;
            },
            [](double a, double b) { return a + b; });
    };
    const double limit = smoothed(0.0) * (1.0 + 1e-12);
    double length = 1.0;
    for (int halving = 0; halving <= kHalvings; ++halving, length *= 0.5) {
        if (smoothed(length) <= limit) return length;
    }
    return 0.0;
}

template <int Channels>
void Component<Channels>::move_primal(double length) {
    const Index plane = fields_.grid.pixels();
    for (Index i = pixel_begin_; i < pixel_end_; ++i) {
        for (Index at = plan_.order[i], c = 0; c < channels(); ++c, at += plane) {
            fields_.image[at] += length * fields_.delta[at];
        }
    }
}

template <int Channels>
typename Component<Channels>::Bounds Component<Channels>::bounds(const double* image, const double* dual) const {
    struct Sums {
        double upper = 0.0, centre = 0.0, norm = 0.0;
    };
    const Index d = channels();
    const Grid& grid = fields_.grid;
    const auto middle = [&](Index at) { return 0.5 * (fields_.low[at] + fields_.high[at]); };
    const auto clipped = [&](Index at) { return std::min(std::max(image[at], fields_.low[at]), fields_.high[at]); };
    const Sums terms = reduce(
        term_begin_, term_end_, Sums{},
        [&](Index begin, Index end) {
            Sums sums;
            for (Index t = begin; t < end; ++t) {
                const Index pixel = plan_.terms[4 * t], term = dual_index(pixel);
                double square = 0.0, norm = 0.0;
                for (Index c = 0; c < d; ++c) {
                    const Index at = c * grid.pixels() + pixel;
                    const double down = clipped(at + grid.columns) - clipped(at), right = clipped(at + 1) - clipped(at);
                    const double p = dual[2 * c * grid.terms() + term];
                    const double q = dual[(2 * c + 1) * grid.terms() + term];
                    square += down * down + right * right;
                    norm += p * p + q * q;
                    sums.centre += p * (middle(at + grid.columns) - middle(at)) + q * (middle(at + 1) - middle(at));
                }
                sums.upper += std::sqrt(square);
                sums.norm = std::max(sums.norm, norm);
            }
            return sums;
        },
        [](const Sums& a, const Sums& b) {
            return Sums{a.upper + b.upper, a.centre + b.centre, std::max(a.norm, b.norm)};
        });
    const double slack = reduce(
        pixel_begin_, pixel_end_, 0.0,
        [&](Index begin, Index end) {
            double sum = 0.0;
            for (Index k = begin; k < end; ++k) {
                const Index pixel = plan_.order[k], i = pixel / grid.columns, j = pixel % grid.columns;
                const bool inner_row = i + 1 < grid.rows, inner_column = j + 1 < grid.columns;
                const Index term = i * (grid.columns - 1) + j;
                for (Index c = 0; c < d; ++c) {
                    const double* down = dual + 2 * c * grid.terms() + term;
                    const double* right = down + grid.terms();
                    double r = 0.0;
                    if (inner_row && inner_column) r -= down[0] + right[0];
                    if (i > 0 && inner_column) r += down[-(grid.columns - 1)];
                    if (j > 0 && inner_row) r += right[-1];
                    const Index at = c * grid.pixels() + pixel;
                    sum += std::abs(r) * std::max(fields_.high[at] - middle(at), middle(at) - fields_.low[at]);
                }
            }
            return sum;
        },
        [](double a, double b) { return a + b; });
    return {terms.upper, (terms.centre - slack) / std::max(1.0, std::sqrt(terms.norm))};
}

template <int Channels>
void Component<Channels>::keep_image() const {
    const Index plane = fields_.grid.pixels();
    for (Index i = pixel_begin_; i < pixel_end_; ++i) {
        for (Index at = plan_.order[i], c = 0; c < channels(); ++c, at += plane) {
            fields_.best_image[at] = std::min(std::max(fields_.image[at], fields_.low[at]), fields_.high[at]);
        }
    }
}

template <int Channels>
void Component<Channels>::keep_dual() const {
    const Index plane = fields_.grid.terms();
    for (Index t = term_begin_; t < term_end_; ++t) {
        for (Index at = dual_index(plan_.terms[4 * t]), k = 0; k < 2 * channels(); ++k, at += plane) {
            fields_.best_dual[at] = fields_.dual[at];
        }
    }
}

template <int Channels>
template <class Value, class Body, class Fold>
Value Component<Channels>::reduce(Index begin, Index end, Value start, Body&& body, Fold&& fold) const {
    const Index count = (end - begin + kBlock - 1) / kBlock;
    std::vector<Value> parts(static_cast<std::size_t>(count), start);
    parallel_for(count, threads_, [&](Index block) {
        const Index from = begin + block * kBlock;
        parts[static_cast<std::size_t>(block)] = body(from, std::min(from + kBlock, end));
    });
    for (const Value& part : parts) start = fold(start, part);
    return start;
}

template class Component<1>;
template class Component<3>;
template class Component<0>;

}  // namespace minimand::inpainting
