"""Golden values of decoded and resized images, by Pillow: python3 images.py > images.json

Needs Pillow (made with 9.4.0, libjpeg-turbo). Everything is base64.
  decode: files, and their pixels as interleaved 8-bit RGB; with EXIF the upright ones.
  fit: images, and what ImageOps.fit with BILINEAR makes of them.
"""

import base64
import io
import json

from PIL import Image, ImageOps


def b64(data):
    return base64.b64encode(bytes(data)).decode()


def waves(width, height):
    """A smooth image with some structure, different in each channel."""
    image = Image.new("RGB", (width, height))
    for y in range(height):
        for x in range(width):
            image.putpixel((x, y), (
                (x * 255 // max(1, width - 1) + 7 * y) % 256 // 2 + 60,
                y * 255 // max(1, height - 1),
                (x * x + y * y) * 255 // (width * width + height * height),
            ))
    return image


def noise(width, height):
    """The numbers of a linear congruential generator."""
    state = width * 1000 + height
    data = bytearray()
    for _ in range(width * height * 3):
        state = (state * 1103515245 + 12345) % 2**31
        data.append(state >> 16 & 255)
    return Image.frombytes("RGB", (width, height), bytes(data))


def saved(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def case(name, data, white=False):
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    if white:
        image = image.convert("RGBA")
        ground = Image.new("RGBA", image.size, (255, 255, 255, 255))
        image = Image.alpha_composite(ground, image)
    image = image.convert("RGB")
    return {"name": name, "width": image.width, "height": image.height,
            "file": b64(data), "rgb": b64(image.tobytes())}


def orientation(value):
    exif = Image.Exif()
    exif[0x112] = value
    return exif


def fit(width, height, new_width, new_height):
    image = noise(width, height)
    fitted = ImageOps.fit(image, (new_width, new_height), Image.BILINEAR)
    return {"width": width, "height": height, "newWidth": new_width, "newHeight": new_height,
            "rgb": b64(image.tobytes()), "fitted": b64(fitted.tobytes())}


color = waves(21, 13)
translucent = color.convert("RGBA")
translucent.putalpha(waves(21, 13).getchannel("G"))
jpegs = [
    case("baseline 4:2:0", saved(color, "JPEG", quality=90)),
    case("4:4:4", saved(color, "JPEG", quality=90, subsampling=0)),
    case("progressive", saved(color, "JPEG", quality=80, progressive=True)),
    case("gray", saved(color.convert("L"), "JPEG", quality=90)),
] + [
    case(f"orientation {value}", saved(color, "JPEG", quality=90, exif=orientation(value)))
    for value in range(1, 9)
]
pngs = [
    case("rgb", saved(color, "PNG")),
    case("gray", saved(color.convert("L"), "PNG")),
    case("1 bit", saved(color.convert("1"), "PNG")),
    case("palette", saved(color.quantize(200), "PNG")),
    case("palette of 4 bits", saved(color.quantize(11), "PNG")),
    case("palette of 2 bits", saved(color.quantize(4), "PNG")),
    case("palette with transparency", saved(color.quantize(9), "PNG", transparency=3), True),
    case("rgb with a transparent color",
         saved(color, "PNG", transparency=color.getpixel((4, 4))), True),
    case("rgb with alpha", saved(translucent, "PNG"), True),
    case("gray with alpha", saved(translucent.convert("LA"), "PNG"), True),
]
sizes = [(60, 40, 32, 32), (33, 32, 32, 32), (3, 2, 16, 16), (100, 7, 24, 24), (31, 47, 8, 8),
         (64, 64, 32, 32), (1, 1, 5, 5), (50, 37, 10, 20), (24, 24, 24, 24)]
print(json.dumps({
    "jpegs": jpegs,
    "pngs": pngs,
    "cmyk": b64(saved(color.convert("CMYK"), "JPEG")),
    "fits": [fit(*size) for size in sizes],
}, indent=1))
