// A model in the browser: a model file of Extexify, run by onnxruntime-web.

import * as ort from "./vendor/ort.wasm.bundle.min.mjs";
import { rasterize } from "./shared/raster.js";
import { resample } from "./shared/resample.js";

const METADATA = "extexify"; // metadata entry that contains the model's description
const PROVIDERS = { executionProviders: ["wasm"] };
const RUNTIME = new URL("vendor/ort-wasm-simd-threaded.wasm.gz", import.meta.url);

// Loads the model and the runtime in parallel; `progress` is called with the loaded fraction, 0 to 1.
export async function loadModel(address, progress = () => {}) {
  const fractions = [0, 0];
  const track = (index) => (fraction) => {
    fractions[index] = fraction;
    progress((fractions[0] + 3 * fractions[1]) / 4); // the model is about three times as large as the runtime
  };
  const [file] = await Promise.all([load(address, track(1)), startRuntime(track(0))]);
  const session = await ort.InferenceSession.create(file, PROVIDERS);
  return new Model(describe(file), session);
}

// Compiles the runtime, which takes as long as loading the model. It does that before it looks at a model, and only then:
// so it is given an empty one.
async function startRuntime(progress) {
  ort.env.wasm.numThreads = 1; // threads need HTTP headers that a static server doesn't send
  ort.env.wasm.wasmBinary ??= await decompressed(await load(RUNTIME, progress));
  await ort.InferenceSession.create(new Uint8Array(1), PROVIDERS).catch(() => {});
}

class Model {
  constructor(description, session) {
    this.description = description; // that of the model file: {classes, raster, sequence, temperature, …}
    this.session = session;
  }

  // strokes: [[[x, y], …], …]. Returns the model's input image and the predictions for all classes, most probable
  // first: {image: Uint8Array, predictions: [{key, probability}, …]}
  async classify(strokes) {
    const { classes, raster, sequence, temperature } = this.description;
    const image = rasterize(strokes, raster);
    const inputs = { images: new ort.Tensor("uint8", image, [1, raster.size, raster.size]) };
    if (sequence) {
      const values = resample(strokes, sequence);
      inputs.sequences = new ort.Tensor("float32", values, [1, values.length / sequence.points, sequence.points]);
    }
    const feeds = Object.fromEntries(this.session.inputNames.map((name) => [name, inputs[name]]));
    const { logits } = await this.session.run(feeds);
    const scaled = Array.from(logits.data, (logit) => logit / temperature);
    const largest = Math.max(...scaled);
    const exponentials = scaled.map((value) => Math.exp(value - largest));
    const sum = exponentials.reduce((total, value) => total + value, 0);
    const predictions = classes.map((key, index) => ({ key, probability: exponentials[index] / sum }));
    return { image, predictions: predictions.sort((one, other) => other.probability - one.probability) };
  }
}

// The bytes of a file; `progress` is called with the loaded fraction, 0 to 1.
export async function load(address, progress = () => {}) {
  if (String(address).startsWith("file:")) {
    // Node, which fetches no files.
    const { readFile } = await import("node:fs/promises");
    return new Uint8Array(await readFile(new URL(address)));
  }
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address} can't be loaded (${response.status})`);
  const bytes = await read(response, progress);
  progress(1);
  return new Uint8Array(bytes);
}

async function read(response, progress) {
  const size = Number(response.headers.get("Content-Length"));
  if (!size) return response.arrayBuffer(); // a file of an extension: there is no progress to tell, and this is faster
  const reader = response.body.getReader();
  const chunks = [];
  let loaded = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return new Blob(chunks).arrayBuffer();
    chunks.push(value);
    loaded += value.length;
    progress(Math.min(loaded / size, 1));
  }
}

// The decompressed bytes of a gzip file. If the server sent Content-Encoding: gzip, the browser has decompressed them.
async function decompressed(bytes) {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// The description in an ONNX file's metadata, which the runtime doesn't expose. The file is a protocol buffer: field 14
// is a metadata entry, whose fields 1 and 2 are its name and value.
function describe(file) {
  const text = (bytes) => new TextDecoder().decode(bytes);
  for (const [number, entry] of fields(file)) {
    if (number !== 14) continue;
    const { 1: name, 2: value } = Object.fromEntries(fields(entry));
    if (text(name) === METADATA) return JSON.parse(text(value));
  }
  throw new Error("the ONNX file is no model of Extexify");
}

// The fields of a protocol buffer message as [number, value]; the value is a varint or the bytes of a delimited field.
function* fields(bytes) {
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[at++];
      value += (byte & 127) * factor;
      if (byte < 128 || at > bytes.length) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const wireType = tag & 7;
    if (wireType === 0) yield [tag >> 3, varint()];
    else if (wireType === 2) {
      const length = varint();
      yield [tag >> 3, bytes.subarray(at, (at += length))];
    } else at += wireType === 1 ? 8 : 4;
  }
}
