"""Azurite finds one blob of many by its name, without a look at the others."""

import json
import subprocess

from local.node import find_node
from local.stack.recipes import AZURITE

# A database as Azurite makes it; each look at the container of a blob is counted.
SCRIPT = """
require('./many_blobs.js')
const Loki = require('./node_modules/lokijs')
const blobs = new Loki('x').addCollection('blobs', { indices: ['accountName', 'containerName', 'name', 'snapshot'] })
for (const containerName of ['one', 'two'])
  for (let number = 0; number < 500; number++)
    blobs.insert({ accountName: 'a', containerName, name: `${number}.jpg`, snapshot: '' })
let looks = 0
for (const blob of blobs.data) {
  const { containerName } = blob
  Object.defineProperty(blob, 'containerName', { get: () => (looks++, containerName), enumerable: true })
}
const found = blobs.findOne({ accountName: 'a', containerName: 'two', name: '123.jpg', snapshot: '' })
const none = blobs.findOne({ accountName: 'a', containerName: 'three', name: '123.jpg', snapshot: '' })
console.log(JSON.stringify({ looks, found: [found.containerName, found.name], none }))
"""


def test_a_blob_is_found_by_its_name_among_those_of_that_name_alone() -> None:
    told = json.loads(subprocess.check_output([find_node(), "-e", SCRIPT], cwd=AZURITE, text=True))

    # The last look is the one of the script itself.
    assert told["looks"] <= 5
    assert (told["found"], told["none"]) == (["two", "123.jpg"], None)
