// One component of unknown pixels and its Newton iteration; newton.hpp has the formulas.
#pragma once

#include <vector>

#include "elimination.hpp"
#include "grid.hpp"
#include "multifrontal.hpp"

namespace minimand::inpainting {

// The caller's planes.
struct Fields {
    Grid grid;
    double *image, *dual, *best_image, *best_dual, *delta;
    const double *low, *high;
};

// The number of channels is a constant where that pays, else `Channels` is 0.
template <int Channels>
class Component {
  public:
    Component(const Fields& fields, const Plan& plan, Index index, double* work, int threads);

    // image += the step to the harmonic fill, clipped.
    void fill();

    Index work_size() const;  // doubles

    // One iteration; state as in newton.hpp.
    void iterate(double* state);

    // Writes the bounds of the best image and dual field so far into the state.
    void assess_best(double* state) const;

    // Keeps the image and the dual field where they are better than the best so far, and tells whether one is.
    bool keep_best(double* state) const;

  private:
    struct Bounds {
        double upper, lower;
    };
    struct Term;

    Index channels() const { return Channels > 0 ? Channels : fields_.grid.channels; }
    Index dual_index(Index pixel) const { return pixel - pixel / fields_.grid.columns; }

    void solve(double beta);  // delta := the Newton step; beta < 0: the harmonic step
    void add_terms(Index f, const Front& front, double beta, Term& term) const;
    double dual_step(double beta);  // steps_ := q - p; returns the longest feasible part of it
    void move_dual(double length);
    double primal_step(double beta) const;
    void move_primal(double length);
    Bounds bounds(const double* image, const double* dual) const;
    void keep_image() const;
    void keep_dual() const;

    // Sums or folds body(first, last) over blocks of terms or pixels, in a fixed order.
    template <class Value, class Body, class Fold>
    Value reduce(Index begin, Index end, Value start, Body&& body, Fold&& fold) const;

    const Fields& fields_;
    const Plan& plan_;
    const Index first_, last_;             // fronts
    const Index term_begin_, term_end_;    // rows of the term table
    const Index pixel_begin_, pixel_end_;  // positions
    double* work_;
    const int threads_;
    const Storage storage_;
    double* steps_;
};

}  // namespace minimand::inpainting
