// Loaded before Azurite (node --require): what keeps it as fast with ten thousand blobs as with ten.
'use strict';

// Azurite's database looks a blob up by the index of the first property that the question names, and goes through all
// that this finds. Azurite names the account first, which every blob has. The name finds the blob itself.
const { Collection } = require('./node_modules/lokijs');
const { findOne } = Collection.prototype;
Collection.prototype.findOne = function (question) {
  const { name, ...others } = question;
  return findOne.call(this, name === undefined ? question : { name, ...others });
};
