// Loaded before Azurite (node --require): what Azurite lacks to be one process of a supervised stack.
'use strict';

// The supervisor holds the other end of standard input: its end means that the supervisor is gone, however suddenly.
process.stdin.on('end', () => process.kill(process.pid, 'SIGTERM'));
process.stdin.on('error', () => process.kill(process.pid, 'SIGTERM'));
process.stdin.resume();
process.stdin.unref();
// What it says while it shuts down has no reader then, and must not end it before its data is saved.
process.stdout.on('error', () => {});

// Azurite keeps its lists of blobs and messages in memory and saves them every 5 s: a kill would lose uploads that
// were already acknowledged. Nothing is written while nothing has changed. A save writes everything anew, so with many
// blobs it must not follow the one before at once.
const SAVE_MILLISECONDS = 250;
const REST_FOR_EACH_OF_SAVING = 9;
const Loki = require('./node_modules/lokijs');
Loki.prototype.autosaveEnable = function (options, callback) {
  this.autosave = true;
  let notBefore = 0;
  this.autosaveHandle = setInterval(() => {
    const begun = Date.now();
    if (begun < notBefore || this.ignoreAutosave || !this.autosaveDirty()) return;
    this.saveDatabase(callback);
    const ended = Date.now();
    notBefore = ended + REST_FOR_EACH_OF_SAVING * (ended - begun);
  }, SAVE_MILLISECONDS);
};
