"""`minimand inpaint`: pictures of every kind in, a filled one out, bad files in one line."""

from __future__ import annotations

import io
import signal
import struct
import sys
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console
from typer.testing import CliRunner

import minimand
from minimand.cli import _images
from minimand.cli._app import app
from minimand.cli.inpainting import _progress, _share_done

ROWS, COLUMNS = 18, 24
_AREA = (slice(6, 11), slice(7, 15))  # what is painted over


def gray():
    """A picture that is smooth, has an edge, and has no pixel that is white or black."""
    i, j = np.indices((ROWS, COLUMNS))
    return (60 + 3 * i + 2 * j + 40 * (j > 12)).astype(np.uint8)


def painted(colour):
    """The same, in colour if the colour is one, with the area painted over."""
    values = gray()
    if not np.isscalar(colour):
        values = np.dstack([values, values[::-1], 255 - values])
    values[_AREA] = colour
    return values


def mask():
    known = np.full((ROWS, COLUMNS), 255, dtype=np.uint8)
    known[_AREA] = 0
    return known


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The working folder, with a damaged picture and its mask."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(painted(255)).save("in.png")
    Image.fromarray(mask()).save("mask.png")
    return tmp_path


@pytest.fixture
def inpaint(monkeypatch):
    """Run the command in this process, in a terminal wide enough not to break lines."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("TERM", "dumb")

    def run(*arguments):
        words = [str(argument) for argument in arguments]
        return CliRunner().invoke(app(), ["inpaint", *words], prog_name="minimand")

    return run


def values_of(name):
    with Image.open(name) as image:
        return np.asarray(image)


def solution(values, known, **options):
    return minimand.inpaint(values, known, tol=1e-4, **options)


def one_line(done):
    """The single line of an error, which is all that was said."""
    assert done.exit_code == 2, done.output
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("minimand: ")
    return line


# What it computes


@pytest.mark.parametrize("source", [("--known", "mask.png"), ("--unknown-color", "white")])
def test_fills_and_reports(inpaint, source):
    done = inpaint("in.png", *source, "-o", "out.png")
    assert (done.exit_code, done.stderr) == (0, "")
    result = solution(painted(255), mask() > 0)
    out = values_of("out.png")
    assert out.dtype == np.uint8
    np.testing.assert_array_equal(out, result.to_dtype(np.uint8))
    np.testing.assert_array_equal(out[mask() > 0], gray()[mask() > 0])
    report = dict(line.split(maxsplit=1) for line in done.stdout.splitlines()[1:8])
    assert float(report["objective"]) == pytest.approx(result.objective, rel=1e-11)
    assert float(report["gap"].split()[0]) <= 1e-4
    assert report["components"].strip() == "1"
    assert report["certificates"].startswith("hold")
    assert "24×18 pixels, gray; 40 unknown (9.3%)" in done.stdout


def test_certificates_are_those_of_the_function(inpaint, monkeypatch):
    real = minimand.inpaint

    def overstated(*args, **options):
        result = real(*args, **options)
        return replace(result, lower_bound=result.objective, gap=0.0)

    monkeypatch.setattr(minimand, "inpaint", overstated)
    done = inpaint("in.png", "--known", "mask.png", "-o", "out.png", "--gap", "0.5")
    assert done.exit_code == 1
    assert "does not verify" in done.stderr


def test_options_reach_the_solver(inpaint, monkeypatch):
    real, seen = minimand.inpaint, {}

    def spy(image, known, **options):
        seen.update(options)
        return real(image, known, **options)

    monkeypatch.setattr(minimand, "inpaint", spy)
    Image.fromarray(painted((255, 0, 0))).save("in.png")
    done = inpaint(
        "in.png", "--unknown-color", "red", "--coupling", "joint", "--gap", "1e-3", "--method",
        "pdhg", "--time-limit", "50", "--threads", "1", "-o", "out.png",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    expected = {"coupling": "joint", "tol": 1e-3, "method": "pdhg", "time_limit": 50.0}
    assert {**seen, **expected, "threads": 1} == seen
    assert values_of("out.png").shape == (ROWS, COLUMNS, 3)


def test_tolerance_and_dilation_make_the_mask(inpaint):
    values = painted(250)
    Image.fromarray(values).save("in.png")
    done = inpaint("in.png", "--unknown-color", "white", "--tol", 5, "--dilate", 1, "-o", "out.png")
    assert f"{7 * 10} unknown" in done.stdout
    known = minimand.mask_from_color(values, 255, tol=5, dilate=1)
    expected = solution(values, known).to_dtype(np.uint8)
    np.testing.assert_array_equal(values_of("out.png"), expected)


def test_dilation_applies_to_masks(inpaint):
    done = inpaint("in.png", "--known", "mask.png", "--dilate", 2, "-o", "out.png")
    assert f"{9 * 12} unknown" in done.stdout


def test_nothing_unknown_changes_nothing(inpaint):
    done = inpaint("in.png", "--unknown-color", "black", "-o", "out.png")
    assert done.exit_code == 0
    assert "nothing unknown" in done.stdout
    np.testing.assert_array_equal(values_of("out.png"), painted(255))


def test_rounding_is_told(inpaint):
    done = inpaint("in.png", "--known", "mask.png", "-o", "out.png")
    words = done.stdout.partition("rounded to 8 bits: objective ")[2].replace(",", "").split()
    rounded = minimand.total_variation(values_of("out.png"))
    assert float(words[0]) == pytest.approx(rounded, rel=1e-11)


# What it reads and writes


def test_16_bit_gray_stays_16_bit(inpaint):
    values = painted(255).astype(np.uint16) * 257
    Image.fromarray(values).save("in.png")
    done = inpaint("in.png", "--unknown-color", "white", "-o", "out.png")
    assert "gray, 16 bits; 40 unknown" in done.stdout
    out = values_of("out.png").astype(np.int64)
    np.testing.assert_array_equal(out[mask() > 0], values[mask() > 0])
    assert np.any(out[_AREA] % 257)  # more than 8 bits of them are used


def test_16_bits_of_colours_are_told(inpaint):
    row = b"\0" + b"\x12\x34" * 3 * 4
    header = struct.pack(">IIBBBBB", 4, 3, 16, 2, 0, 0, 0)
    write_png("in.png", header, row * 3)
    done = inpaint("in.png", "--unknown-color", "red", "-o", "out.png")
    assert "16 bits for each colour, 8 of them are read" in done.stderr


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_alpha_is_kept(inpaint, mode):
    values = painted(255) if mode == "LA" else painted((255, 255, 255))
    alpha = np.arange(ROWS * COLUMNS, dtype=np.uint8).reshape(ROWS, COLUMNS)
    Image.fromarray(np.dstack([values, alpha])).save("in.png")
    done = inpaint("in.png", "--unknown-color", "white", "-o", "out.png")
    assert "with alpha; 40 unknown" in done.stdout
    out = values_of("out.png")
    np.testing.assert_array_equal(out[..., -1], alpha)
    plain = out[..., 0] if mode == "LA" else out[..., :-1]
    expected = solution(values, mask() > 0).to_dtype(np.uint8)
    np.testing.assert_array_equal(plain, expected)


def test_palettes_become_colours(inpaint):
    values = painted((255, 0, 0))
    image = Image.fromarray(values).quantize(200)
    image.save("in.png")
    done = inpaint("in.png", "--unknown-color", "red", "-o", "out.png")
    assert "colour; 40 unknown" in done.stdout
    out = values_of("out.png")
    np.testing.assert_array_equal(out[mask() > 0], np.asarray(image.convert("RGB"))[mask() > 0])


def test_gray_palettes_become_gray(inpaint):
    image = Image.fromarray(painted(255)).convert("P")
    image.save("in.gif")
    done = inpaint("in.gif", "--unknown-color", "white", "-o", "out.png")
    assert "gray; 40 unknown" in done.stdout
    assert values_of("out.png").shape == (ROWS, COLUMNS)


def test_one_bit_becomes_gray(inpaint):
    values = gray() > 120
    Image.fromarray(values).save("in.png")
    done = inpaint("in.png", "--known", "mask.png", "-o", "out.png")
    out = values_of("out.png")
    assert done.exit_code == 0, done.output
    assert out.dtype == np.uint8
    np.testing.assert_array_equal(out[mask() > 0], 255 * values[mask() > 0])


def test_cmyk_becomes_rgb(inpaint):
    image = Image.fromarray(painted((255, 0, 0))).convert("CMYK")
    image.save("in.tif", icc_profile=b"a profile of CMYK")
    done = inpaint("in.tif", "--unknown-color", "red", "-o", "out.png")
    assert "colour; 40 unknown" in done.stdout
    out = values_of("out.png")
    np.testing.assert_array_equal(out[mask() > 0], np.asarray(image.convert("RGB"))[mask() > 0])
    with Image.open("out.png") as written:
        assert "icc_profile" not in written.info


def test_floats_stay_floats(inpaint):
    values = painted(255).astype(np.float32) / 7
    Image.fromarray(values).save("in.tif")
    done = inpaint("in.tif", "--known", "mask.png", "-o", "out.tif")
    assert done.exit_code == 0, done.output
    out = values_of("out.tif")
    assert out.dtype == np.float32
    np.testing.assert_array_equal(out[mask() > 0], values[mask() > 0])
    assert "use .tif" in one_line(inpaint("in.tif", "--known", "mask.png", "-o", "out.png"))


def test_rotation_of_cameras_is_carried_out(inpaint):
    exif = Image.Exif()
    exif[0x112] = 6
    Image.fromarray(painted(255)).save("in.png", exif=exif)
    Image.fromarray(np.rot90(mask(), -1)).save("mask.png")
    done = inpaint("in.png", "--known", "mask.png", "-o", "out.png")
    assert done.exit_code == 0, done.output
    with Image.open("out.png") as image:
        assert image.size == (ROWS, COLUMNS)
        assert 0x112 not in image.getexif()
        known = np.rot90(mask(), -1) > 0
        np.testing.assert_array_equal(np.asarray(image)[known], np.rot90(gray(), -1)[known])


def test_formats_that_change_pixels_are_told(inpaint):
    done = inpaint("in.png", "--known", "mask.png", "-o", "out.jpg")
    assert done.exit_code == 0
    assert "changes pixels" in done.stderr
    for ending in ("webp", "tif", "bmp"):
        assert inpaint("in.png", "--known", "mask.png", "-o", f"out.{ending}").stderr == ""


def test_first_of_several_pictures_is_told(inpaint):
    frames = [Image.fromarray(painted(255)), Image.fromarray(255 - painted(255))]
    frames[0].save("in.tif", save_all=True, append_images=frames[1:])
    done = inpaint("in.tif", "--known", "mask.png", "-o", "out.png")
    assert "has 2 pictures, only the first is read" in done.stderr
    np.testing.assert_array_equal(values_of("out.png")[mask() > 0], gray()[mask() > 0])


def test_resolution_and_colour_profile_are_kept(inpaint):
    Image.fromarray(painted(255)).save("in.png", dpi=(300, 300), icc_profile=b"a profile")
    assert inpaint("in.png", "--known", "mask.png", "-o", "out.png").exit_code == 0
    with Image.open("out.png") as image:
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)
        assert image.info["icc_profile"] == b"a profile"


@pytest.mark.parametrize("kind", ["1", "RGB", "transparent", "I;16"])
def test_masks_of_every_kind(inpaint, kind):
    known = mask()
    if kind == "transparent":
        image = Image.fromarray(np.dstack([np.full_like(known, 255), known]))
    elif kind == "I;16":
        image = Image.fromarray(known.astype(np.uint16) * 257)
    else:
        image = Image.fromarray(known).convert(kind)
    image.save("mask.png")
    done = inpaint("in.png", "--known", "mask.png", "-o", "out.png")
    assert (done.exit_code, done.stderr) == (0, "")
    assert "40 unknown" in done.stdout


def test_smeared_masks_are_told(inpaint):
    smeared = mask()
    smeared[_AREA] = np.arange(40).reshape(5, 8) % 7
    Image.fromarray(smeared).save("mask.png")
    done = inpaint("in.png", "--known", "mask.png", "-o", "out.png")
    assert "not only black and white" in done.stderr
    done = inpaint("in.png", "--known", "mask.png", "--tol", 127, "-o", "out.png")
    assert done.stderr == ""
    assert "40 unknown" in done.stdout


# The figure


def test_figure_has_four_panels(inpaint):
    done = inpaint("in.png", "--known", "mask.png", "-o", "out.png", "--picture", "figure.png")
    assert done.exit_code == 0, done.output
    with Image.open("figure.png") as image:
        assert image.width > 3 * image.height


def test_figure_that_cannot_be_drawn_is_found_before_the_work(inpaint, monkeypatch):
    def not_now(*_args, **_options):
        raise AssertionError("too late")

    monkeypatch.setattr(minimand, "inpaint", not_now)
    command = ("in.png", "--known", "mask.png", "-o", "out.png", "--picture")
    assert "ending is none of" in one_line(inpaint(*command, "figure.xyz"))
    assert "nowhere is not a folder" in one_line(inpaint(*command, "nowhere/figure.png"))


# What ends early


def test_gap_not_reached_is_a_warning_and_a_picture(inpaint, monkeypatch):
    real = minimand.inpaint

    def short(*args, **options):
        return real(*args, **{**options, "method": "pdhg", "max_iterations": 1})

    monkeypatch.setattr(minimand, "inpaint", short)
    done = inpaint("in.png", "--known", "mask.png", "-o", "out.png", "--gap", "1e-11")
    assert done.exit_code == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("minimand: warning: The limit of iterations was reached")
    assert "larger than was asked for" in done.stdout
    np.testing.assert_array_equal(values_of("out.png")[mask() > 0], gray()[mask() > 0])


def test_interruption_writes_the_best_picture_so_far(inpaint, monkeypatch):
    real, results = minimand.inpaint, []

    def interrupted(*args, **options):
        def press(_snapshot):
            signal.raise_signal(signal.SIGINT)

        results.append(real(*args, **{**options, "method": "pdhg", "callback": press}))
        return results[0]

    monkeypatch.setattr(minimand, "inpaint", interrupted)
    done = inpaint("in.png", "--known", "mask.png", "-o", "out.png", "--gap", "1e-12")
    assert done.exit_code == 130
    gap = f"{results[0].gap:.2e}"
    expected = f"minimand: interrupted; what was written has a certified gap of {gap}"
    assert done.stderr.splitlines() == [expected]
    assert gap in done.stdout
    np.testing.assert_array_equal(values_of("out.png"), results[0].to_dtype(np.uint8))


def test_second_interruption_writes_nothing(inpaint, monkeypatch, folder):
    def interrupted(*_args, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr(minimand, "inpaint", interrupted)
    done = inpaint("in.png", "--known", "mask.png", "-o", "out.png")
    assert done.exit_code == 130
    assert done.stderr.strip() == "minimand: interrupted"
    assert not (folder / "out.png").exists()


def test_progress_shows_the_gap_to_those_who_watch():
    class Snapshot:
        gap = 1e-2

    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=100)
    with _progress(console, 1e-4) as show:
        for gap in (np.inf, 1e-2, 1e-9, 0.0):
            Snapshot.gap = gap
            show(Snapshot)
    assert "gap 0.0e+00" in stream.getvalue()
    with _progress(Console(file=stream), 1e-4) as show:
        assert show is None


@pytest.mark.parametrize(
    ("gap", "share"), [(np.inf, 0.0), (1.0, 0.0), (1e-2, 0.5), (1e-4, 1.0), (0.0, 1.0)]
)
def test_progress_counts_digits(gap, share):
    assert _share_done(gap, 1e-4) == pytest.approx(share)
    assert 0.0 <= _share_done(gap, 5.0) <= 1.0


# What is wrong with files


def write_png(name, header, data):
    """Write a PNG file by hand, with the pixels as they would be before compression."""

    def chunk(kind, content):
        checksum = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)

    parts = (b"IHDR", header), (b"IDAT", zlib.compress(data)), (b"IEND", b"")
    Path(name).write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts))


def test_missing_file(inpaint):
    done = inpaint("not there.png", "--known", "mask.png", "-o", "out.png")
    assert "not there.png cannot be read: No such file or directory" in one_line(done)
    done = inpaint("in.png", "--known", "not there.png", "-o", "out.png")
    assert "not there.png cannot be read" in one_line(done)


def test_folder_is_no_picture(inpaint, folder):
    (folder / "folder.png").mkdir()
    done = inpaint("folder.png", "--known", "mask.png", "-o", "out.png")
    assert "folder.png cannot be read" in one_line(done)


# pillow would know it, and run a program to read it.
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n%%EOF\n"


@pytest.mark.parametrize(
    "content",
    [b"", b"hello\n", b"\x89PNG\r\n\x1a\n", EPS],
    ids=["empty", "text", "signature only", "EPS"],
)
def test_not_an_image(inpaint, folder, content):
    (folder / "in.png").write_bytes(content)
    done = inpaint("in.png", "--known", "mask.png", "-o", "out.png")
    assert "in.png is not an image" in one_line(done)


@pytest.mark.parametrize("ending", ["png", "jpg", "tif", "bmp", "gif", "webp"])
def test_truncated_files(inpaint, folder, ending):
    noise = np.random.default_rng(0).integers(0, 255, (40, 50), dtype=np.uint8)
    path = folder / f"in.{ending}"
    Image.fromarray(noise).save(path)
    whole = path.read_bytes()
    for share in (0.3, 0.6, 0.9):
        path.write_bytes(whole[: int(share * len(whole))])
        done = inpaint(path.name, "--unknown-color", "black", "-o", "out.png")
        assert path.name in one_line(done)
        assert not (folder / "out.png").exists()


def test_damaged_file(inpaint, folder):
    content = bytearray((folder / "in.png").read_bytes())
    content[60:70] = b"?" * 10
    (folder / "in.png").write_bytes(content)
    assert "in.png is damaged" in one_line(
        inpaint("in.png", "--known", "mask.png", "-o", "out.png")
    )


def test_size_is_looked_at_before_decoding(inpaint):
    write_png("in.png", struct.pack(">IIBBBBB", 200_000, 200_000, 8, 0, 0, 0, 0), b"\0" * 1000)
    line = one_line(inpaint("in.png", "--known", "mask.png", "-o", "out.png"))
    assert "200000×200000 pixels, the limit is 64,000,000; --max-pixels raises it" in line


def test_limit_of_pixels_can_be_set(inpaint):
    limit = ROWS * COLUMNS
    command = ("in.png", "--known", "mask.png", "-o", "out.png", "--max-pixels")
    assert "the limit is 431" in one_line(inpaint(*command, limit - 1))
    assert inpaint(*command, limit).exit_code == 0
    assert Image.MAX_IMAGE_PIXELS is not None  # pillow's own limit is as before


def test_masks_have_the_limit_too(inpaint):
    write_png("mask.png", struct.pack(">IIBBBBB", 200_000, 200_000, 8, 0, 0, 0, 0), b"")
    line = one_line(inpaint("in.png", "--known", "mask.png", "-o", "out.png"))
    assert "mask.png has 200000×200000 pixels" in line


def test_mask_of_another_size(inpaint):
    Image.fromarray(mask()[:, :-1]).save("mask.png")
    line = one_line(inpaint("in.png", "--known", "mask.png", "-o", "out.png"))
    assert "mask.png has 23×18 pixels, expected 24×18" in line


def test_nothing_known(inpaint):
    Image.fromarray(0 * mask()).save("mask.png")
    line = one_line(inpaint("in.png", "--known", "mask.png", "-o", "out.png"))
    assert "mask.png is black everywhere: white means known" in line
    line = one_line(inpaint("in.png", "--unknown-color", "white", "--tol", 255, "-o", "out.png"))
    assert "every pixel counts as white" in line


def test_not_a_number_in_a_known_pixel(inpaint):
    values = painted(255).astype(np.float32)
    values[2, 3] = np.nan
    Image.fromarray(values).save("in.tif")
    done = inpaint("in.tif", "--known", "mask.png", "-o", "out.tif")
    assert done.exit_code == 2
    assert "NaN at row 2, column 3" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "either --known MASK or --unknown-color COLOR"),
        (("--known", "mask.png", "--unknown-color", "white"), "either --known MASK or"),
        (("--unknown-color", "whiet"), "'whiet' is not a colour; use a name like white"),
        (("--unknown-color", "red"), "the picture is gray, and red is no shade of gray"),
    ],
)
def test_options_that_do_not_say_what_is_unknown(inpaint, options, words):
    assert words in one_line(inpaint("in.png", *options, "-o", "out.png"))


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("nowhere/out.png", "nowhere is not a folder"),
        ("folder.png", "it is a folder"),
        ("out.xyz", "the ending .xyz names no format; use .png"),
        ("out", "a name without an ending"),
        ("out.eps", "use .png"),
    ],
)
def test_targets_are_checked_before_the_work(inpaint, folder, monkeypatch, target, words):
    def not_now(*_args, **_options):
        raise AssertionError("too late")

    monkeypatch.setattr(minimand, "inpaint", not_now)
    (folder / "folder.png").mkdir()
    assert words in one_line(inpaint("in.png", "--known", "mask.png", "-o", target))


def test_target_that_cannot_hold_alpha(inpaint):
    Image.fromarray(np.dstack([painted(255), mask()])).save("in.png")
    assert "use .png" in one_line(inpaint("in.png", "--known", "mask.png", "-o", "out.jpg"))


def test_whole_or_not_at_all(inpaint, folder, monkeypatch):
    (folder / "out.png").write_bytes(b"precious")
    real = _images._encode

    def full(path, pixels, *rest):
        if pixels.size > 1:
            raise _images.ImageFileError("no space")
        return real(path, pixels, *rest)

    monkeypatch.setattr(_images, "_encode", full)
    done = inpaint("in.png", "--known", "mask.png", "-o", "out.png")
    assert done.exit_code == 2
    assert (folder / "out.png").read_bytes() == b"precious"


def test_missing_pillow_names_the_pip_command(inpaint, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    done = inpaint("in.png", "--known", "mask.png", "-o", "out.png")
    assert done.exit_code == 1
    assert done.stderr.strip().endswith('pip install "minimand[image]"')
    assert len(done.stderr.splitlines()) == 1


def test_listing_the_command_imports_no_extra(run_python):
    code = (
        "import sys, minimand.cli._app as a; a.app();"
        "print([m for m in ('PIL', 'matplotlib') if m in sys.modules])"
    )
    assert run_python(code).strip() == "[]"
