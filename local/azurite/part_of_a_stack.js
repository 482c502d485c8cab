// Loaded before Azurite (node --require): what Azurite lacks to be one process of a supervised stack.
'use strict';

// The supervisor holds the other end of standard input: its end means that the supervisor is gone, however suddenly.
process.stdin.on('end', () => process.kill(process.pid, 'SIGTERM'));
process.stdin.on('error', () => process.kill(process.pid, 'SIGTERM'));
process.stdin.resume();
process.stdin.unref();
// What it says while it shuts down has no reader then, and must not end it before its data is saved.
process.stdout.on('error', () => {});
