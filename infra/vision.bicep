// The Computer Vision resource.
// vision-existing.bicep takes its place where one is there already.

param location string
param tags object
param token string
param tier string
param closedNetwork bool
param identityPrincipalId string

var roles = {
  cognitiveServicesUser: 'a97b65f3-24c7-4388-baec-2e87135dc908'
}

resource account 'Microsoft.CognitiveServices/accounts@2024-10-01' = {
  name: 'cv-${token}'
  location: location
  tags: tags
  kind: 'ComputerVision'
  sku: {
    name: tier
  }
  properties: {
    // Without a subdomain of its own the resource refuses tokens of Entra ID.
    customSubDomainName: 'cv-${token}'
    disableLocalAuth: true
    publicNetworkAccess: closedNetwork ? 'Disabled' : 'Enabled'
    networkAcls: {
      defaultAction: closedNetwork ? 'Deny' : 'Allow'
    }
  }
}

resource appCalls 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: account
  name: guid(account.id, identityPrincipalId, roles.cognitiveServicesUser)
  properties: {
    description: 'The app asks Computer Vision without a key.'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.cognitiveServicesUser)
    principalId: identityPrincipalId
    principalType: 'ServicePrincipal'
  }
}

output id string = account.id
output endpoint string = account.properties.endpoint
