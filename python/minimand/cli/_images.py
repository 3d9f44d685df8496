"""Image files: read with care, written as they were computed. pillow does the work.

Whatever is wrong with a file becomes an `ImageFileError` of one line that names the file.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from minimand._common.errors import missing_extra

if TYPE_CHECKING:
    from PIL import Image, ImageFile

# Rasters only: some of pillow's other formats run programs, or hold more than one picture.
_FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP", "PPM", "TGA", "JPEG2000", "AVIF")
_SAVE_OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"lossless": True, "exact": True},  # exact: also the colours of transparent pixels
}


class ImageFileError(ValueError):
    """Says in one line what is wrong with a file."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Picture:
    """The pixels of a file, and what goes back into a file beside them.

    Attributes
    ----------
    pixels : ndarray (m, n) or (m, n, 3)
        uint8, uint16 (gray only) or float32 (gray only).
    alpha : ndarray of uint8 (m, n) or None
        Opacity, where the file has it.
    notes : tuple of str
        What the file has and this package cannot keep.
    attributes : dict
        Colour profile and resolution, as pillow's `save` takes them.
    """

    pixels: NDArray[Any]
    alpha: NDArray[np.uint8] | None = None
    notes: tuple[str, ...] = ()
    attributes: dict[str, Any] = field(default_factory=dict)

    @property
    def size(self) -> str:
        """Width × height, as people give it."""
        return f"{self.pixels.shape[1]}×{self.pixels.shape[0]}"

    @property
    def kind(self) -> str:
        """What the pixels are, in words."""
        depth = {"uint8": "", "uint16": ", 16 bits", "float32": ", float"}[self.pixels.dtype.name]
        colours = "gray" if self.pixels.ndim == 2 else "colour"
        return f"{colours}{depth}{'' if self.alpha is None else ', with alpha'}"


def read(path: Path, *, max_pixels: int) -> Picture:
    """Read a picture of at most `max_pixels` pixels; its size is looked at before it is decoded.

    Palettes, CMYK and other colour spaces become RGB, 1-bit pictures gray. 16-bit gray stays 16-bit
    (of colours, pillow keeps 8 bits). The rotation that cameras note in a JPEG file is carried out.
    """
    with _reading(path), _opened(path) as image:
        width, height = image.size
        if width * height > max_pixels:
            raise ImageFileError(
                f"{path} has {width}×{height} pixels, the limit is {max_pixels:,}; "
                "--max-pixels raises it"
            )
        notes = _notes(path, image)
        image.load()
        return _picture(image, notes)


def check_target(path: Path, picture: Picture) -> None:
    """Raise ImageFileError if such a picture cannot be written there, before it is computed."""
    if not path.parent.is_dir():
        raise ImageFileError(f"{path} cannot be written: {path.parent} is not a folder")
    if path.is_dir():
        raise ImageFileError(f"{path} cannot be written: it is a folder")
    alpha = None if picture.alpha is None else picture.alpha[:1, :1]
    _encode(path, picture.pixels[:1, :1], alpha, {})


def write(path: Path, picture: Picture) -> bool:
    """Write a picture whole or not at all; return whether the file holds exactly its pixels."""
    content = _encode(path, picture.pixels, picture.alpha, picture.attributes)
    try:
        path.write_bytes(content)
    except OSError as error:
        raise ImageFileError(f"{path} cannot be written: {error.strerror}") from None
    return _holds(content, picture)


def colour_of(name: str, picture: Picture) -> int | tuple[int, ...]:
    """Return a colour in the units of the picture, from its name, "#rrggbb" or "rgb(r, g, b)"."""
    from PIL import ImageColor

    try:
        red, green, blue = ImageColor.getrgb(name)[:3]
    except ValueError:
        raise ImageFileError(
            f"{name!r} is not a colour; use a name like white, or #rrggbb, or rgb(255, 0, 0)"
        ) from None
    if picture.pixels.dtype == np.float32:
        raise ImageFileError("--unknown-color needs a picture of 8 or 16 bits; use --known")
    if picture.pixels.ndim == 3:
        return red, green, blue
    if not red == green == blue:
        raise ImageFileError(f"the picture is gray, and {name} is no shade of gray")
    return red * (257 if picture.pixels.dtype == np.uint16 else 1)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turn what pillow raises on bad files, which is almost anything, into one line."""
    try:
        yield
    except (ImageFileError, ImportError):
        raise
    except OSError as error:  # also pillow's UnidentifiedImageError
        if error.strerror:
            raise ImageFileError(f"{path} cannot be read: {error.strerror}") from None
        if type(error).__name__ == "UnidentifiedImageError":
            known = ", ".join(_FORMATS)
            raise ImageFileError(f"{path} is not an image ({known} can be read)") from None
        raise ImageFileError(f"{path} is damaged: {_one_line(error)}") from None
    except MemoryError:
        raise ImageFileError(f"{path} does not fit into the memory") from None
    except Exception as error:
        raise ImageFileError(f"{path} is damaged: {_one_line(error)}") from None


@contextmanager
def _opened(path: Path) -> Iterator[ImageFile.ImageFile]:
    """Open a file without decoding it; the limit of pixels is ours, not pillow's."""
    image_module = _pillow()
    limit = image_module.MAX_IMAGE_PIXELS
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # errors are raised all the same
        image_module.MAX_IMAGE_PIXELS = None
        try:
            with image_module.open(path, formats=_formats(image_module.OPEN)) as image:
                yield image
        finally:
            image_module.MAX_IMAGE_PIXELS = limit


def _notes(path: Path, image: ImageFile.ImageFile) -> tuple[str, ...]:
    """Return what will be lost; to be asked before the picture is decoded."""
    notes = []
    if (frames := getattr(image, "n_frames", 1)) > 1 and image.format != "MPO":
        notes.append(f"{path} has {frames} pictures, only the first is read")
    if not image.mode.startswith("I") and any(";16" in str(tile[3]) for tile in image.tile):
        notes.append(f"{path} has 16 bits for each colour, 8 of them are read")
    return tuple(notes)


def _picture(loaded: Image.Image, notes: tuple[str, ...]) -> Picture:
    from PIL import ImageOps

    image = ImageOps.exif_transpose(loaded)
    mode, transparent = image.mode, image.has_transparency_data
    attributes: dict[str, Any] = {
        name: image.info[name] for name in ("icc_profile", "dpi") if name in image.info
    }
    if mode.startswith("I"):
        return Picture(pixels=_gray16(image), notes=notes, attributes=attributes)
    if mode == "F":
        pixels = np.array(image, dtype=np.float32)
        return Picture(pixels=pixels, notes=notes, attributes=attributes)
    gray = mode in ("1", "L", "LA", "La")
    image = image.convert(("LA" if gray else "RGBA") if transparent else ("L" if gray else "RGB"))
    values = np.asarray(image)
    alpha = np.ascontiguousarray(values[..., -1]) if transparent else None
    pixels = values[..., :-1] if transparent else values
    if gray and transparent:
        pixels = pixels[..., 0]
    if mode in ("P", "PA") and bool((pixels == pixels[..., :1]).all()):
        pixels, gray = pixels[..., 0], True  # a palette of grays
    if mode not in ("L", "LA", "RGB", "RGBA"):  # the profile is that of another colour space
        attributes.pop("icc_profile", None)
    pixels = np.ascontiguousarray(pixels)
    return Picture(pixels=pixels, alpha=alpha, notes=notes, attributes=attributes)


def _gray16(image: Image.Image) -> NDArray[np.uint16]:
    values = np.asarray(image)
    low, high = int(values.min()), int(values.max())
    if low < 0 or high > np.iinfo(np.uint16).max:
        raise ValueError(f"integers from {low} to {high}, expected at most 16 bits")
    return values.astype(np.uint16)


def _encode(
    path: Path,
    pixels: NDArray[Any],
    alpha: NDArray[np.uint8] | None,
    attributes: Mapping[str, Any],
) -> bytes:
    """Return the content of the file; the format follows from the ending of its name."""
    image_module = _pillow()
    ending = path.suffix.lower()
    name = image_module.registered_extensions().get(ending, "")
    if name not in _formats(image_module.SAVE):
        came = f"the ending {ending}" if ending else "a name without an ending"
        raise ImageFileError(f"{path} cannot be written: {came} names no format; use .png")
    values = pixels if alpha is None else np.dstack([pixels, alpha])
    content = io.BytesIO()
    try:
        image = image_module.fromarray(values)
        image.save(content, format=name, **_SAVE_OPTIONS.get(name, {}), **attributes)
    except (OSError, ValueError, KeyError) as error:
        other = ".tif" if pixels.dtype == np.float32 else ".png"
        raise ImageFileError(f"{path} cannot be written: {_one_line(error)}; use {other}") from None
    return content.getvalue()


def _holds(content: bytes, picture: Picture) -> bool:
    """Whether a decoder gets the same pixels back."""
    values = picture.pixels
    if picture.alpha is not None:
        values = np.dstack([values, picture.alpha])
    wanted = _pillow().fromarray(values).mode
    with _pillow().open(io.BytesIO(content)) as image:
        plain = image if image.mode == wanted else image.convert(wanted)  # WebP knows no gray
        return np.array_equal(np.asarray(plain), values)


def _formats(registered: Mapping[str, Any]) -> list[str]:
    """Return those of our formats that this build of pillow has."""
    _pillow().init()
    return [name for name in _FORMATS if name in registered]


def _pillow() -> Any:
    try:
        from PIL import Image
    except ImportError:
        raise missing_extra("pillow", "image") from None
    return Image


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
