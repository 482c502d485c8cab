// The account of the images and of all records about them.
// images-existing.bicep takes its place where an account is there already.

param location string
param tags object
param token string
param closedNetwork bool
param identityPrincipalId string
param deployerId string
param deployerType string

var roles = {
  blobDataOwner: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
  blobDataContributor: 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
  queueDataContributor: '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
}

// The containers of shared/names.py.
var names = [
  'images'
  'analysis'
  'text'
  'thumbnails'
  'unfinished'
  'corrections'
  'search'
]

resource account 'Microsoft.Storage/storageAccounts@2024-01-01' = {
  name: 'stimg${token}'
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: {
    name: 'Standard_LRS'
  }
  properties: {
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    // A hierarchical namespace sends other events and knows real folders.
    isHnsEnabled: false
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: closedNetwork ? 'Disabled' : 'Enabled'
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: closedNetwork ? 'Deny' : 'Allow'
    }
  }
}

// Every account has its services by itself, and they are named here without being deployed.
// To deploy one without its rules for browsers (CORS) would delete those that the user has set.
// The images are the user's, and so is the choice how long a deleted one can be brought back.
resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2024-01-01' existing = {
  parent: account
  name: 'default'
}

resource containers 'Microsoft.Storage/storageAccounts/blobServices/containers@2024-01-01' = [for name in names: {
  parent: blobs
  name: name
  // The compiler makes no order through a symbol that is not deployed.
  dependsOn: [
    account
  ]
}]

resource queues 'Microsoft.Storage/storageAccounts/queueServices@2024-01-01' existing = {
  parent: account
  name: 'default'
}

// RescueUpload listens here from its first start, long before the first upload fails.
resource poison 'Microsoft.Storage/storageAccounts/queueServices/queues@2024-01-01' = {
  parent: queues
  name: 'webjobs-blobtrigger-poison'
  dependsOn: [
    account
  ]
}

resource appBlobs 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: account
  name: guid(account.id, identityPrincipalId, roles.blobDataOwner)
  properties: {
    description: 'The app reads images and writes records; the blob trigger is documented with this role.'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.blobDataOwner)
    principalId: identityPrincipalId
    principalType: 'ServicePrincipal'
  }
}

resource appQueues 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: account
  name: guid(account.id, identityPrincipalId, roles.queueDataContributor)
  properties: {
    description: 'The blob trigger puts an upload that failed five times on a queue here, and RescueUpload takes it.'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.queueDataContributor)
    principalId: identityPrincipalId
    principalType: 'ServicePrincipal'
  }
}

resource deployerBlobs 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(deployerId)) {
  scope: account
  name: guid(account.id, deployerId, roles.blobDataContributor)
  properties: {
    description: 'The one who deploys uploads the smoke test\'s sample, and images of their own, without a key.'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.blobDataContributor)
    principalId: deployerId
    principalType: deployerType
  }
}

output id string = account.id
output blobUrl string = account.properties.primaryEndpoints.blob
output queueUrl string = account.properties.primaryEndpoints.queue
