// Loaded before Azurite (node --require): what Azure does otherwise, as far as the stack depends on it.
'use strict';

const BLOB = './node_modules/azurite/dist/src/blob';

// Azure lists a name that XML cannot carry percent-encoded, in an element with the attribute Encoded="true". Azurite
// does not answer such a listing at all, so that one name hides all others of its container.
// https://learn.microsoft.com/rest/api/storageservices/list-blobs
const IMPOSSIBLE_IN_XML = /[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/;
const xml = require(`${BLOB}/generated/utils/xml`);
const stringify = xml.stringifyXML;
xml.stringifyXML = (value, options) => {
  try {
    return stringify(value, options);
  } catch {
    return stringify(encoded(value), options);
  }
};

function encoded(value) {
  if (typeof value === 'string') {
    return IMPOSSIBLE_IN_XML.test(value) ? { $: { Encoded: 'true' }, _: encodeURIComponent(value) } : value;
  }
  if (Array.isArray(value)) return value.map(encoded);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, encoded(each)]));
}

// Azurite's marker is the name that a page ends with. Clients send it back as it came, and the prefix as they read it in
// the page: a marker that XML cannot carry, or that comes with such a prefix, holds both, and begins with a sign.
const SIGN = 'Encoded:';
const handlers = require(`${BLOB}/handlers/ContainerHandler`).default.prototype;
for (const method of ['listBlobFlatSegment', 'listBlobHierarchySegment']) {
  const list = handlers[method];
  handlers[method] = async function (...given) {
    const options = given.at(-2);
    if (options.marker?.startsWith(SIGN)) {
      [options.marker, options.prefix] = JSON.parse(decodeURIComponent(options.marker.slice(SIGN.length)));
    }
    const answer = await list.apply(this, given);
    const both = [answer.nextMarker, options.prefix ?? ''];
    if (answer.nextMarker && (both.some((text) => IMPOSSIBLE_IN_XML.test(text)) || both[0].startsWith(SIGN))) {
      answer.nextMarker = SIGN + encodeURIComponent(JSON.stringify(both));
    }
    return answer;
  };
}

// The event watcher knows an upload by its new creation time. Azurite sets one at Put Blob and Copy Blob, but at Put
// Block List only where there was no blob.
const store = require(`${BLOB}/persistence/LokiBlobMetadataStore`).default.prototype;
const commit = store.commitBlockList;
store.commitBlockList = async function (context, blob, ...rest) {
  await commit.call(this, context, blob, ...rest);
  const { accountName, containerName, name, snapshot } = blob;
  const blobs = this.db.getCollection(this.BLOBS_COLLECTION);
  const written = blobs.findOne({ accountName, containerName, name, snapshot });
  if (written === null) return;
  written.properties.creationTime = blob.properties.creationTime;
  blobs.update(written);
};
