// The address of a Computer Vision resource that was there before.
// Nothing is deployed into its resource group: images-existing.bicep says why.

param accountId string

var parts = split(accountId, '/')

resource account 'Microsoft.CognitiveServices/accounts@2024-10-01' existing = {
  scope: resourceGroup(parts[2], parts[4])
  name: parts[8]
}

output endpoint string = account.properties.endpoint
