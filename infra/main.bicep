// Everything that Blobsight needs, in one resource group of its own, with no key anywhere.
// A role stands in the module of the resource that it opens, and a module takes only outputs of the modules above it.
// So the app comes last, after each of its roles.

targetScope = 'subscription'

@description('Names the azd environment, from which all names are derived.')
@minLength(1)
@maxLength(64)
param environmentName string

@description('Region of everything that is made; it must offer Flex Consumption and Computer Vision.')
@metadata({
  azd: {
    type: 'location'
  }
})
param location string

@description('Tier of Computer Vision: S1, or F0, which is free for 5,000 transactions a month, once per subscription.')
@allowed([
  'F0'
  'S1'
])
param visionTier string = 'S1'

@description('Calls per seconds that the app allows itself, such as 10/1; empty is the limit of the tier.')
param visionRate string = ''

@description('Most billed transactions of a month, after which the app makes no paid call; each feature is one; empty is no limit.')
param visionMonthlyLimit string = ''

@description('What Computer Vision is asked of every image, comma-separated; each feature is billed.')
param features string = 'Tags,Description,Objects'

@description('Thumbnails of every image, WIDTHxHEIGHT, comma-separated; all of an image cost one call at most.')
param thumbnailSizes string = '200x150,1024x768'

@description('Costs of a month, in the currency of the subscription, near which a budget warns; 0 is no budget.')
@minValue(0)
param monthlyBudget int = 0

@description('First day of the month in which the budget was made, yyyy-MM-01; it can never change afterwards.')
param budgetStart string = ''

@description('Address to which alerts and the budget write; empty is none.')
param alertEmail string = ''

@description('Whether the app reaches storage and Computer Vision by private endpoints only.')
param closedNetwork bool = false

@description('Instances that always wait for uploads, paid by the hour; with 0 the first upload waits for one.')
@minValue(0)
@maxValue(40)
param alwaysReady int = 0

@description('Python that runs the app.')
@allowed([
  '3.11'
  '3.12'
])
param pythonVersion string = '3.12'

@description('Resource id of a storage account that is there already and takes the images; empty makes one.')
param imagesAccountId string = ''

@description('Resource id of a Computer Vision resource that is there already; empty makes one.')
param visionAccountId string = ''

@description('Resource id of the Event Grid system topic that the existing account of images has; empty makes one.')
param imagesTopicId string = ''

@description('Region of the existing account of images, where its system topic has to lie; empty is location.')
param imagesLocation string = ''

@description('Whether HTTP callers and the page may upload and delete images.')
param imagesWritable bool = false

@description('Whether people sign in to the page with Entra ID, as viewer or editor.')
param gallerySignIn bool = false

@description('Client id of the page\'s registration in Entra ID; the preprovision hook makes one and writes it here.')
param galleryClientId string = ''

@description('Object id of the one who deploys, who may then upload images without a key; empty gives no role.')
param deployerId string = ''

@description('Kind of the one who deploys: a person, or the principal of a pipeline.')
@allowed([
  'User'
  'ServicePrincipal'
])
param deployerType string = 'User'

var token = uniqueString(subscription().id, environmentName, location)
var tags = {
  'azd-env-name': environmentName
}
var ownImages = empty(imagesAccountId)
var ownVision = empty(visionAccountId)
// A topic belongs to one account, so that of an existing account is of no use for the account that is made here.
var ownTopic = ownImages || empty(imagesTopicId)

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module identity 'identity.bicep' = {
  name: 'identity'
  scope: group
  params: {
    location: location
    tags: tags
    token: token
  }
}

module images 'images.bicep' = if (ownImages) {
  name: 'images'
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    closedNetwork: closedNetwork
    identityPrincipalId: identity.outputs.principalId
    deployerId: deployerId
    deployerType: deployerType
  }
}

module imagesExisting 'images-existing.bicep' = if (!ownImages) {
  name: 'images-existing'
  scope: group
  params: {
    accountId: imagesAccountId
  }
}

var imagesId = ownImages ? images!.outputs.id : imagesAccountId
var imagesBlobUrl = ownImages ? images!.outputs.blobUrl : imagesExisting!.outputs.blobUrl
var imagesQueueUrl = ownImages ? images!.outputs.queueUrl : imagesExisting!.outputs.queueUrl

module vision 'vision.bicep' = if (ownVision) {
  name: 'vision'
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    tier: visionTier
    closedNetwork: closedNetwork
    identityPrincipalId: identity.outputs.principalId
  }
}

module visionExisting 'vision-existing.bicep' = if (!ownVision) {
  name: 'vision-existing'
  scope: group
  params: {
    accountId: visionAccountId
  }
}

var visionId = ownVision ? vision!.outputs.id : visionAccountId
var visionEndpoint = ownVision ? vision!.outputs.endpoint : visionExisting!.outputs.endpoint

module logs 'logs.bicep' = {
  name: 'logs'
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    identityPrincipalId: identity.outputs.principalId
  }
}

module events 'events.bicep' = if (ownTopic) {
  name: 'events'
  scope: group
  params: {
    location: (ownImages || empty(imagesLocation)) ? location : imagesLocation
    tags: tags
    token: token
    imagesAccountId: imagesId
  }
}

var topicId = ownTopic ? events!.outputs.topicId : imagesTopicId

module hostStorage 'host-storage.bicep' = {
  name: 'host-storage'
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    closedNetwork: closedNetwork
    identityPrincipalId: identity.outputs.principalId
    topicPrincipalId: ownTopic ? events!.outputs.principalId : ''
  }
}

module network 'network.bicep' = if (closedNetwork) {
  name: 'network'
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    hostAccountId: hostStorage.outputs.id
    imagesAccountId: imagesId
    visionAccountId: visionId
  }
}

module app 'app.bicep' = {
  name: 'app'
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    pythonVersion: pythonVersion
    alwaysReady: alwaysReady
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    hostBlobUrl: hostStorage.outputs.blobUrl
    hostQueueUrl: hostStorage.outputs.queueUrl
    hostTableUrl: hostStorage.outputs.tableUrl
    packageUrl: hostStorage.outputs.packageUrl
    imagesBlobUrl: imagesBlobUrl
    imagesQueueUrl: imagesQueueUrl
    visionEndpoint: visionEndpoint
    visionRate: !empty(visionRate) ? visionRate : (visionTier == 'F0' ? '20/60' : '10/1')
    visionMonthlyLimit: visionMonthlyLimit
    features: features
    thumbnailSizes: thumbnailSizes
    insightsName: logs.outputs.insightsName
    imagesWritable: imagesWritable
    gallerySignIn: gallerySignIn
    galleryClientId: galleryClientId
    subnetId: closedNetwork ? network!.outputs.appSubnetId : ''
  }
}

module alerts 'alerts.bicep' = {
  name: 'alerts'
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    insightsId: logs.outputs.insightsId
    topicId: topicId
    alertEmail: alertEmail
    imagesAccountId: ownImages ? imagesId : ''
    visionMonthlyLimit: visionMonthlyLimit
  }
}

module workbook 'workbook.bicep' = {
  name: 'workbook'
  scope: group
  params: {
    location: location
    tags: tags
    insightsId: logs.outputs.insightsId
  }
}

module budget 'budget.bicep' = if (monthlyBudget > 0 && !empty(budgetStart)) {
  name: 'budget'
  scope: group
  params: {
    token: token
    amount: monthlyBudget
    email: alertEmail
    startDate: budgetStart
  }
}

// azd keeps these in its environment, from where the hooks read them.
output AZURE_LOCATION string = location
output AZURE_RESOURCE_GROUP string = group.name
output AZURE_FUNCTION_APP_NAME string = app.outputs.name
output BLOBSIGHT_APP_URL string = app.outputs.url
output BLOBSIGHT_IDENTITY_PRINCIPAL_ID string = identity.outputs.principalId
output BLOBSIGHT_IMAGES_ACCOUNT_ID string = imagesId
output BLOBSIGHT_IMAGES_BLOB_URL string = imagesBlobUrl
output BLOBSIGHT_VISION_ACCOUNT_ID string = visionId
output BLOBSIGHT_TOPIC_ID string = topicId
output BLOBSIGHT_HOST_ACCOUNT_ID string = hostStorage.outputs.id
output BLOBSIGHT_WORKSPACE_ID string = logs.outputs.workspaceCustomerId
output BLOBSIGHT_RUNTIME_PYTHON string = pythonVersion
// azd gives AZURE_PRINCIPAL_ID to parameters only, so the hooks know the deployer from here.
output BLOBSIGHT_DEPLOYER_ID string = deployerId
output BLOBSIGHT_DEPLOYER_TYPE string = deployerType
