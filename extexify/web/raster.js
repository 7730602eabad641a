// The rasterizer, the JavaScript counterpart of extexify/drawing/raster.py. Tests compare the two: levels differ by at
// most 1 of 255, since the library computes distances in 32 bits and this in 64.

const DOT_FACTOR = 1.5;
const MIN_DOT_RADIUS = 1;

const f32 = Math.fround;
const clip = (value, low, high) => Math.min(Math.max(value, low), high);

// strokes: [[[x, y], …], …], y down; settings: a model's {size, stroke_width, margin, fit, antialias}. Returns a
// Uint8Array (size × size), row by row, ink 255 on 0.
export function rasterize(strokes, settings) {
  const { size, antialias } = settings;
  const image = new Uint8Array(size * size);
  const fitted = fit(strokes, settings);
  if (!antialias) {
    for (const stroke of fitted) drawPixels(stroke, size, image);
    return image;
  }
  const radius = f32(settings.stroke_width / 2);
  const nearest = new Float32Array(size * size).fill((radius + 1) ** 2); // beyond any ink
  for (const stroke of fitted) drawStroke(stroke, radius, size, nearest);
  const outer = radius + 0.5;
  nearest.forEach((distance2, index) => {
    image[index] = Math.trunc(clip(outer - Math.sqrt(distance2), 0, 1) * 255 + 0.5);
  });
  return image;
}

// The strokes in image coordinates, in pixels.
function fit(strokes, { size, margin, fit }) {
  const points = strokes.flat().map(([x, y]) => [f32(x), f32(y)]);
  if (!points.length) return [];
  const [low, high] = bounds(points);
  let width = high[0] - low[0];
  let height = high[1] - low[1];
  const inner = 1 - 2 * margin;
  if (fit === "aspect") width = height = Math.max(width, height);
  // The points of an axis without extent (a straight line, a dot) lie in the middle.
  const scale = [width, height].map((side) => (side > 0 ? (size * inner) / side : 0));
  const middle = [(low[0] + high[0]) / 2, (low[1] + high[1]) / 2];
  const toImage = (point) => [0, 1].map((axis) => f32(size / 2 + (f32(point[axis]) - middle[axis]) * scale[axis]));
  return strokes.map((stroke) => stroke.map(toImage));
}

// The lowest and highest x and y, [[x, y], [x, y]].
export function bounds(points) {
  const low = [Infinity, Infinity];
  const high = [-Infinity, -Infinity];
  for (const point of points) {
    for (const axis of [0, 1]) {
      low[axis] = Math.min(low[axis], point[axis]);
      high[axis] = Math.max(high[axis], point[axis]);
    }
  }
  return [low, high];
}

// Lowers `nearest`, squared distances in pixels, to each pixel's distance from the stroke's segments.
function drawStroke(stroke, radius, size, nearest) {
  const [low, high] = bounds(stroke);
  // A stroke smaller than a dot is widened to a dot's size.
  const extent = Math.max(high[0] - low[0], high[1] - low[1]);
  const dot = Math.max(radius * DOT_FACTOR, MIN_DOT_RADIUS);
  const boost = Math.max(0, dot - radius - extent / 2);
  const reach = radius + 0.5 + boost;
  const last = stroke.length - 1;
  for (let index = 0; index < Math.max(last, 1); index++) {
    const [ax, ay] = stroke[index];
    const other = stroke[Math.min(index + 1, last)];
    const dx = other[0] - ax;
    const dy = other[1] - ay;
    const length2 = dx * dx + dy * dy;
    const inverse = length2 > 0 ? 1 / length2 : 0;
    const left = Math.max(0, Math.floor(Math.min(ax, ax + dx) - reach - 0.5) + 1);
    const right = Math.min(size - 1, Math.floor(Math.max(ax, ax + dx) + reach - 0.5));
    const top = Math.max(0, Math.floor(Math.min(ay, ay + dy) - reach - 0.5) + 1);
    const bottom = Math.min(size - 1, Math.floor(Math.max(ay, ay + dy) + reach - 0.5));
    for (let row = top; row <= bottom; row++) {
      const py = row + 0.5 - ay;
      for (let column = left; column <= right; column++) {
        const px = column + 0.5 - ax;
        const along = clip((px * dx + py * dy) * inverse, 0, 1);
        const distance = Math.max(Math.hypot(px - along * dx, py - along * dy) - boost, 0);
        const pixel = row * size + column;
        nearest[pixel] = Math.min(nearest[pixel], distance * distance);
      }
    }
  }
}

// One-pixel lines by Bresenham's algorithm, with the rounding and tie-breaking of Pillow's `ImageDraw.line`.
function drawPixels(stroke, size, image) {
  const last = stroke.length - 1;
  const ink = (x, y) => {
    if (x >= 0 && x < size && y >= 0 && y < size) image[y * size + x] = 255;
  };
  for (let index = 0; index < Math.max(last, 1); index++) {
    let [x, y] = stroke[index].map(Math.trunc);
    const [stopX, stopY] = stroke[Math.min(index + 1, last)].map(Math.trunc);
    const width = Math.abs(stopX - x);
    const height = Math.abs(stopY - y);
    const stepX = stopX >= x ? 1 : -1;
    const stepY = stopY >= y ? 1 : -1;
    const steep = height >= width;
    const [longer, shorter] = steep ? [height, width] : [width, height];
    let error = 2 * shorter - longer;
    for (let step = 0; step < longer; step++) {
      ink(x, y);
      const sideways = error >= 0 && shorter > 0;
      if (sideways) error -= 2 * longer;
      error += 2 * shorter;
      if (steep || sideways) y += stepY;
      if (!steep || sideways) x += stepX;
    }
    ink(stopX, stopY);
  }
}
