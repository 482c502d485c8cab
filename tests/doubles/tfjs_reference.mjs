// Run CenterNet with TensorFlow.js, in plain JavaScript: `node tfjs_reference.mjs PACKAGE PICTURE HEAT_MAP SIZES`.
// PACKAGE is the folder of @vladmandic/human; the others are files of 32-bit floats.
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const [folder, picture, ...answers] = process.argv.slice(2);
// The bundle is made for browsers, and fails where it takes Node for one that has its own modules beside it.
const { process: node } = globalThis;
delete globalThis.process;
const tf = await import(pathToFileURL(path.join(folder, 'dist', 'tfjs.esm.js')));
globalThis.process = node;
tf.env().setPlatform('here', {
  now: () => performance.now(),
  encode: (text) => new TextEncoder().encode(text),
  decode: (bytes) => new TextDecoder().decode(bytes),
  isTypedArray: (value) => ArrayBuffer.isView(value),
});
await tf.setBackend('cpu');

const read = (file) => new Uint8Array(fs.readFileSync(file)).buffer;
const model = JSON.parse(fs.readFileSync(path.join(folder, 'models', 'centernet.json'), 'utf8'));
const network = await tf.loadGraphModel(tf.io.fromMemory({
  modelTopology: model.modelTopology,
  weightSpecs: model.weightsManifest[0].weights,
  weightData: read(path.join(folder, 'models', 'centernet.bin')),
}));
const pixels = tf.tensor4d(new Float32Array(read(picture)), [1, 512, 512, 3]);
const results = network.execute(pixels, ['tower_0/keypoints', 'tower_0/wh']);
for (const [at, result] of results.entries()) {
  const values = await result.data();
  fs.writeFileSync(answers[at], new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
}
console.log(tf.version_core);
