// The closed network: the app reaches storage and Computer Vision by private endpoints only.
// All endpoints lie in this group, also those that lead to accounts of other groups.
// The subscription needs the provider Microsoft.App. scripts/cloud.py registers it; no resource here makes ARM do so.
// The app's own address stays public, because Event Grid delivers to it from outside.

param location string
param tags object
param token string
param hostAccountId string
param imagesAccountId string
param visionAccountId string

var zones = [
  'privatelink.blob.${environment().suffixes.storage}'
  'privatelink.queue.${environment().suffixes.storage}'
  'privatelink.table.${environment().suffixes.storage}'
  'privatelink.cognitiveservices.azure.com'
]

// `zone` is the place in `zones`.
var links = [
  {
    name: 'host-blob'
    target: hostAccountId
    service: 'blob'
    zone: 0
  }
  {
    name: 'host-queue'
    target: hostAccountId
    service: 'queue'
    zone: 1
  }
  {
    name: 'host-table'
    target: hostAccountId
    service: 'table'
    zone: 2
  }
  {
    name: 'images-blob'
    target: imagesAccountId
    service: 'blob'
    zone: 0
  }
  {
    name: 'images-queue'
    target: imagesAccountId
    service: 'queue'
    zone: 1
  }
  {
    name: 'vision'
    target: visionAccountId
    service: 'account'
    zone: 3
  }
]

resource network 'Microsoft.Network/virtualNetworks@2024-05-01' = {
  name: 'vnet-${token}'
  location: location
  tags: tags
  properties: {
    addressSpace: {
      addressPrefixes: [
        '10.0.0.0/16'
      ]
    }
    // A network that is deployed without its subnets tries to delete those that it has.
    subnets: [
      {
        name: 'app'
        properties: {
          addressPrefix: '10.0.1.0/24'
          delegations: [
            {
              name: 'flex'
              properties: {
                serviceName: 'Microsoft.App/environments'
              }
            }
          ]
        }
      }
      {
        name: 'private-endpoints'
        properties: {
          addressPrefix: '10.0.2.0/24'
          privateEndpointNetworkPolicies: 'Disabled'
        }
      }
    ]
  }
}

resource dnsZones 'Microsoft.Network/privateDnsZones@2024-06-01' = [for zone in zones: {
  name: zone
  location: 'global'
  tags: tags
}]

resource dnsLinks 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [for (zone, i) in zones: {
  parent: dnsZones[i]
  name: 'vnet-${token}'
  location: 'global'
  tags: tags
  properties: {
    registrationEnabled: false
    virtualNetwork: {
      id: network.id
    }
  }
}]

// One after the other: an account that is busy with one endpoint refuses the next.
@batchSize(1)
resource endpoints 'Microsoft.Network/privateEndpoints@2024-05-01' = [for link in links: {
  name: 'pe-${link.name}-${token}'
  location: location
  tags: tags
  properties: {
    subnet: {
      id: '${network.id}/subnets/private-endpoints'
    }
    privateLinkServiceConnections: [
      {
        name: link.name
        properties: {
          privateLinkServiceId: link.target
          groupIds: [
            link.service
          ]
        }
      }
    ]
  }
}]

resource dnsRecords 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2024-05-01' = [for (link, i) in links: {
  parent: endpoints[i]
  name: 'default'
  properties: {
    privateDnsZoneConfigs: [
      {
        name: link.service
        properties: {
          privateDnsZoneId: dnsZones[link.zone].id
        }
      }
    ]
  }
}]

output appSubnetId string = '${network.id}/subnets/app'
