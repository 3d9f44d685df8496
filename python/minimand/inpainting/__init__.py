"""In-painting by total variation: images with unknown pixels, filled with a certificate."""

from minimand.inpainting.inpaint import inpaint
from minimand.inpainting.mask import mask_from_color
from minimand.inpainting.result import InpaintingProgress, InpaintingResult
from minimand.inpainting.variation import total_variation

__all__ = [
    "InpaintingProgress",
    "InpaintingResult",
    "inpaint",
    "mask_from_color",
    "total_variation",
]
