// A model in the browser: an ONNX file that `python -m extexify export-onnx` wrote, run by onnxruntime-web.

import * as ort from "./vendor/ort.wasm.bundle.min.mjs";
import { rasterize } from "./shared/raster.js";
import { resample } from "./shared/resample.js";

const METADATA = "extexify"; // the entry of the file's metadata that describes the model
const RUNTIME = new URL("vendor/ort-wasm-simd-threaded.wasm.gz", import.meta.url);

// Loads a model; `progress` hears of the part (0 to 1) that has come. Both parts of it come at once.
export async function loadModel(address, progress = () => {}) {
  const parts = [0, 0];
  const hear = (number) => (part) => {
    parts[number] = part;
    progress((parts[0] + 3 * parts[1]) / 4); // the model is about three times as large as the runtime
  };
  const [runtime, file] = await Promise.all([load(RUNTIME, hear(0)), load(address, hear(1))]);
  ort.env.wasm.numThreads = 1; // more need headers that a plain static server doesn't send
  ort.env.wasm.wasmBinary = await unpacked(runtime);
  const session = await ort.InferenceSession.create(file, { executionProviders: ["wasm"] });
  return new Model(describe(file), session);
}

class Model {
  constructor(description, session) {
    this.description = description; // as in the model file: {classes, raster, sequence, temperature, …}
    this.session = session;
  }

  // strokes: [[[x, y], …], …] → the picture that the model sees, and all its symbols, most probable first:
  // {image: Uint8Array, predictions: [{key, probability}, …]}
  async classify(strokes) {
    const { classes, raster, sequence, temperature } = this.description;
    const image = rasterize(strokes, raster);
    const inputs = { images: new ort.Tensor("uint8", image, [1, raster.size, raster.size]) };
    if (sequence) {
      const values = resample(strokes, sequence);
      inputs.sequences = new ort.Tensor("float32", values, [1, values.length / sequence.points, sequence.points]);
    }
    const read = Object.fromEntries(this.session.inputNames.map((name) => [name, inputs[name]]));
    const { logits } = await this.session.run(read);
    const scaled = Array.from(logits.data, (logit) => logit / temperature);
    const most = Math.max(...scaled);
    const exponentials = scaled.map((value) => Math.exp(value - most));
    const sum = exponentials.reduce((before, value) => before + value, 0);
    const predictions = classes.map((key, index) => ({ key, probability: exponentials[index] / sum }));
    return { image, predictions: predictions.sort((one, other) => other.probability - one.probability) };
  }
}

// A file's bytes.
export async function load(address, progress = () => {}) {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address} can't be loaded (${response.status})`);
  const size = Number(response.headers.get("Content-Length")) || Infinity;
  const reader = response.body.getReader();
  const chunks = [];
  let come = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    come += value.length;
    progress(Math.min(come / size, 1));
  }
  progress(1);
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}

// What was compressed by gzip; some servers say so, and then the browser has unpacked it already.
async function unpacked(bytes) {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// The description in an ONNX file's metadata, which the runtime keeps to itself. The file is a protocol buffer:
// field 14 of it has the entries, whose fields 1 and 2 are the name and the value.
function describe(file) {
  const text = (bytes) => new TextDecoder().decode(bytes);
  for (const [number, entry] of fields(file)) {
    if (number !== 14) continue;
    const { 1: name, 2: value } = Object.fromEntries(fields(entry));
    if (text(name) === METADATA) return JSON.parse(text(value));
  }
  throw new Error("the ONNX file is no model of Extexify");
}

// The fields of a message, [number, value]; the value is a number, or the bytes of what has a length.
function* fields(bytes) {
  let at = 0;
  const number = () => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[at++];
      value += (byte & 127) * factor;
      if (byte < 128 || at > bytes.length) return value;
    }
  };
  while (at < bytes.length) {
    const tag = number();
    const kind = tag & 7;
    if (kind === 0) yield [tag >> 3, number()];
    else if (kind === 2) {
      const length = number();
      yield [tag >> 3, bytes.subarray(at, (at += length))];
    } else at += kind === 1 ? 8 : 4;
  }
}
