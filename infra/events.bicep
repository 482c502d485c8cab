// The topic on which the account of the images tells of uploads: an account has one at most, in its own region.
// scripts/cloud.py makes the subscription once the app answers, because Event Grid tries the app's address at once.

param location string
param tags object
param token string
param imagesAccountId string

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' = {
  name: 'evgt-${token}'
  location: location
  tags: tags
  // Event Grid writes dead letters as this identity, because shared keys are off.
  // A storage firewall lets no user-assigned identity of a topic in.
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    source: imagesAccountId
    topicType: 'Microsoft.Storage.StorageAccounts'
  }
}

output topicId string = topic.id
output principalId string = topic.identity.principalId
