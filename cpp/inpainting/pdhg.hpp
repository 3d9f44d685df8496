// Over-relaxed, diagonally preconditioned primal-dual hybrid gradient steps.
//
// Chambolle, Pock, J. Math. Imaging Vis. 40 (2011) 120, 10.1007/s10851-010-0251-1; over-relaxation as in Condat,
// J. Optim. Theory Appl. 158 (2013) 460, 10.1007/s10957-012-0245-9; step sizes as in structure.hpp.
#pragma once

#include "grid.hpp"

namespace minimand::inpainting {

// `iterations` >= 1 steps in place, on an image u and a dual field p that `prepare` started:
//     v = np.clip(u - tau * D_adjoint(p), low, high)
//     q = p + sigma * D(2 * v - u)
//     q /= np.maximum(1, norm(q))                      # per term, over all channels
//     u += relaxation * (v - u);  p += relaxation * (q - p)
// The last step is not relaxed: it leaves u in its box and p in the unit balls, where bounds can be evaluated.
// Blocks of rows do several steps between two reads of the memory and two meetings of the threads.
void pdhg_steps(MatrixOut image, MatrixOut dual, MatrixIn<double> low, MatrixIn<double> high, MatrixIn<double> tau,
                MatrixIn<double> sigma, Index channels, double relaxation, Index iterations, int threads);

}  // namespace minimand::inpainting
