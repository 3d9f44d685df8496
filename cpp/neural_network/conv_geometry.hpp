// Sizes of a convolution and where its parts lie in the scratch memory of a lane.
//
// With stride 1 no column matrix is made. The image is copied with its padding, `pitch` numbers a row, and row
// (c, ky, kx) of the column matrix is the image from (c, ky, kx) on: outputs are computed with the same pitch, and
// those beyond a row's end are never looked at. The way back is the same with deltas in place of images, read
// backwards.
#pragma once

#include <algorithm>

#include "net.hpp"

namespace minimand::neural_network {

constexpr Index kGroup = 8;   // samples whose products are summed in registers
constexpr Index kSlack = 32;  // numbers past the end that a whole vector may touch

struct ConvGeometry {
    explicit ConvGeometry(const Index* i)
        : C(i[0]), H(i[1]), W(i[2]), K(i[3]), kh(i[4]), kw(i[5]), sh(i[6]), sw(i[7]), ph(i[8]), pw(i[9]) {
        OH = (H + 2 * ph - kh) / sh + 1;
        OW = (W + 2 * pw - kw) / sw + 1;
        padded_height = H + 2 * ph;
        pitch = W + 2 * pw;
        dense = sh == 1 && sw == 1;
        patch = C * kh * kw;
        image = C * padded_height * pitch + kw + kSlack;
        margin = dense ? (kh - 1) * pitch + kw - 1 : 0;
        columns = dense ? OH * pitch : OH * OW;
        out_pitch = dense ? pitch : OW;
        ld = columns + kSlack;  // of a column matrix
        delta_ld = dense ? margin + padded_height * pitch + kSlack : ld;
        plane = padded_height * pitch + kSlack;
    }

    // Of the rows of the column matrix: of the image with stride 1, else of the matrix itself.
    Index row(Index c, Index ky, Index kx) const {
        return dense ? (c * padded_height + ky) * pitch + kx : ((c * kh + ky) * kw + kx) * ld;
    }
    Index source() const { return dense ? image : patch * ld; }  // numbers of what rows point into
    Index vectors_end() const { return columns; }

    Index C, H, W, K, kh, kw, sh, sw, ph, pw;
    Index OH, OW, padded_height, pitch, patch, image, margin, columns, out_pitch, ld, delta_ld, plane;
    bool dense;
};

inline void place_rows(Operation& op) {
    const ConvGeometry g(op.ints);
    for (Index c = 0; c < g.C; ++c)
        for (Index ky = 0; ky < g.kh; ++ky)
            for (Index kx = 0; kx < g.kw; ++kx) op.rows.push_back(g.row(c, ky, kx));
    for (Index k = 0; k < g.K; ++k) {
        if (!g.dense) {
            op.back_rows.push_back(k * g.delta_ld);
            continue;
        }
        for (Index ky = 0; ky < g.kh; ++ky)
            for (Index kx = 0; kx < g.kw; ++kx) op.back_rows.push_back(k * g.delta_ld + g.margin - ky * g.pitch - kx);
    }
}

}  // namespace minimand::neural_network
