// Loaded before Azurite (node --require): a kill at any moment loses nothing that Azurite has answered for.
'use strict';

// Azurite keeps its lists of blobs, bytes and messages in memory, and saves each of them whole every 5 s. Here an answer
// waits until each change since the last one stands in a journal beside its list. A list is read with its journals, and
// a save of the list makes those that were begun before it superfluous.
const fs = require('node:fs');
const path = require('node:path');
const { ServerResponse } = require('node:http');
const Loki = require('./node_modules/lokijs');

// A save writes everything anew, so that many blobs make it long; all that it still does is to keep the journals short.
const SAVE_MILLISECONDS = 60_000;

class Journals {
  constructor(list) {
    this.list = list;
    this.number = Math.max(0, ...this.numbers());
    this.file = null;
  }

  numbers() {
    const { dir, base } = path.parse(this.list);
    const names = fs.readdirSync(dir).filter((name) => name.startsWith(`${base}.`) && name.endsWith('.journal'));
    return names.map((name) => Number(name.slice(base.length + 1, -'.journal'.length))).sort((a, b) => a - b);
  }

  path(number) {
    return `${this.list}.${number}.journal`;
  }

  /** Write one line; throws where the disk does not take it. */
  append(changes) {
    this.file ??= fs.openSync(this.path(++this.number), 'a', 0o600);
    try {
      fs.appendFileSync(this.file, JSON.stringify(changes) + '\n');
    } catch (error) {
      this.end(); // a line that was cut off has to be the last of its file
      throw error;
    }
  }

  /** Let the next change begin a new file. */
  end() {
    if (this.file !== null) fs.closeSync(this.file);
    this.file = null;
  }

  /** End the file; returns the function that removes all that are there now. */
  rotate() {
    this.end();
    const ended = this.numbers();
    return () => ended.forEach((number) => fs.rmSync(this.path(number), { force: true }));
  }

  *read() {
    for (const number of this.numbers()) {
      // What follows the last line break was cut off by a kill or a full disk, and was not answered for.
      const lines = fs.readFileSync(this.path(number), 'utf8').split('\n').slice(0, -1);
      for (const line of lines) yield* JSON.parse(line);
    }
  }
}

/** What changed since the last line: `[collection, id, document]`, without a document where it was removed. */
function* changes(lists) {
  for (const collection of lists.collections) {
    for (const id of new Set(collection.dirtyIds)) yield [collection.name, id, collection.get(id) ?? null];
  }
}

/** Bring lists, as they were saved, to where their journals end. */
function apply(recorded, saved) {
  const collections = new Map(saved.collections.map((each) => [each.name, each]));
  const documents = new Map();
  for (const [name, id, document] of recorded) {
    if (!documents.has(name)) {
      if (!collections.has(name)) collections.set(name, { name, data: [], maxId: 0 });
      documents.set(name, new Map(collections.get(name).data.map((each) => [each.$loki, each])));
    }
    if (document === null) documents.get(name).delete(id);
    else documents.get(name).set(id, document);
    collections.get(name).maxId = Math.max(collections.get(name).maxId, id);
  }
  for (const [name, each] of documents) {
    collections.get(name).data = [...each.values()].sort((one, other) => one.$loki - other.$loki);
  }
  saved.collections = [...collections.values()];
}

const databases = new Map();
Loki.prototype.isIncremental = true; // each collection notes which documents changed

const load = Loki.prototype.loadJSONObject;
Loki.prototype.loadJSONObject = function (saved, options) {
  apply(databases.get(this).read(), saved);
  load.call(this, saved, options);
  for (const collection of this.collections) {
    collection.dirtyIds = [];
    collection.ensureAllIndexes(true);
  }
};

const save = Loki.prototype.saveDatabaseInternal;
Loki.prototype.saveDatabaseInternal = function (callback) {
  keep(this);
  const removeOlder = databases.get(this).rotate();
  save.call(this, (error) => {
    if (!error) removeOlder();
    callback?.(error);
  });
};

const saveRegularly = Loki.prototype.autosaveEnable;
Loki.prototype.autosaveEnable = function (...given) {
  databases.set(this, new Journals(this.filename));
  this.autosaveInterval = SAVE_MILLISECONDS;
  saveRegularly.apply(this, given);
};

function keep(lists) {
  const made = [...changes(lists)];
  if (made.length) databases.get(lists).append(made);
  for (const collection of lists.collections) collection.dirtyIds = [];
}

const writeHead = ServerResponse.prototype.writeHead;
ServerResponse.prototype.writeHead = function (...given) {
  try {
    for (const lists of databases.keys()) keep(lists);
  } catch (error) {
    console.error(`What changed cannot be kept: ${error.message}`);
    return writeHead.call(this, 500);
  }
  return writeHead.apply(this, given);
};
