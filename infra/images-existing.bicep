// The addresses of an account of images that was there before.
// Nothing is deployed into its resource group, because `azd down` deletes every group that a deployment has touched.
// scripts/cloud.py gives the roles and makes the containers there.

param accountId string

var parts = split(accountId, '/')

resource account 'Microsoft.Storage/storageAccounts@2024-01-01' existing = {
  scope: resourceGroup(parts[2], parts[4])
  name: parts[8]
}

output blobUrl string = account.properties.primaryEndpoints.blob
output queueUrl string = account.properties.primaryEndpoints.queue
