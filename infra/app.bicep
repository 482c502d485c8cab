// The function app on Flex Consumption.
// Its parameters come from the modules that give the app its roles, so each role is there before the app's first act.

param location string
param tags object
param token string
param pythonVersion string
param alwaysReady int
param identityId string
param identityClientId string
param hostBlobUrl string
param hostQueueUrl string
param hostTableUrl string
param packageUrl string
param imagesBlobUrl string
param imagesQueueUrl string
param visionEndpoint string
param visionRate string
param visionMonthlyLimit string
param features string
param thumbnailSizes string
param insightsName string
param imagesWritable bool
param gallerySignIn bool

@description('Client id of the page\'s registration in Entra ID; empty where there has never been one.')
param galleryClientId string

@description('The subnet of the closed network; empty is the open one.')
param subnetId string

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

resource plan 'Microsoft.Web/serverfarms@2024-04-01' = {
  name: 'plan-${token}'
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
  }
}

resource site 'Microsoft.Web/sites@2024-04-01' = {
  name: 'func-${token}'
  location: location
  tags: union(tags, {
    'azd-service-name': 'app'
  })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    // The way out only. The way in stays public, because Event Grid's webhook knows no private endpoint.
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: packageUrl
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      runtime: {
        name: 'python'
        version: pythonVersion
      }
      scaleAndConcurrency: {
        instanceMemoryMB: 2048
        // Each instance writes to the one ledger before a paid call, so more of them wait for each other.
        maximumInstanceCount: 40
        alwaysReady: alwaysReady > 0
          ? [
              {
                name: 'blob'
                instanceCount: alwaysReady
              }
            ]
          : []
        triggers: {
          http: {
            // One for each thread of PYTHON_THREADPOOL_THREAD_COUNT; by itself the platform gives Python one.
            perInstanceConcurrency: 16
          }
        }
      }
    }
    siteConfig: {
      // Flex refuses most other properties of this object, in some regions only.
      minTlsVersion: '1.2'
      appSettings: concat([
        {
          name: 'AzureWebJobsStorage__credential'
          value: 'managedidentity'
        }
        {
          name: 'AzureWebJobsStorage__clientId'
          value: identityClientId
        }
        {
          name: 'AzureWebJobsStorage__blobServiceUri'
          value: hostBlobUrl
        }
        {
          name: 'AzureWebJobsStorage__queueServiceUri'
          value: hostQueueUrl
        }
        {
          name: 'AzureWebJobsStorage__tableServiceUri'
          value: hostTableUrl
        }
        {
          name: 'ImagesStorage__credential'
          value: 'managedidentity'
        }
        {
          name: 'ImagesStorage__clientId'
          value: identityClientId
        }
        {
          name: 'ImagesStorage__blobServiceUri'
          value: imagesBlobUrl
        }
        {
          name: 'ImagesStorage__queueServiceUri'
          value: imagesQueueUrl
        }
        {
          // No secret: local authentication is off, so it only says where telemetry goes.
          name: 'APPLICATIONINSIGHTS_CONNECTION_STRING'
          value: insights.properties.ConnectionString
        }
        {
          name: 'APPLICATIONINSIGHTS_AUTHENTICATION_STRING'
          value: 'ClientId=${identityClientId};Authorization=AAD'
        }
        {
          name: 'AZURE_CLIENT_ID'
          value: identityClientId
        }
        {
          name: 'AZURE_TOKEN_CREDENTIALS'
          value: 'ManagedIdentityCredential'
        }
        {
          name: 'VISION_ENDPOINT'
          value: visionEndpoint
        }
        {
          name: 'VISION_AUTH'
          value: 'identity'
        }
        {
          name: 'VISION_RATE'
          value: visionRate
        }
        {
          name: 'VISION_MONTHLY_LIMIT'
          value: visionMonthlyLimit
        }
        {
          name: 'VISION_FEATURES'
          value: features
        }
        {
          name: 'THUMBNAIL_SIZES'
          value: thumbnailSizes
        }
        {
          name: 'IMAGES_WRITABLE'
          value: imagesWritable ? 'true' : 'false'
        }
        {
          name: 'PYTHON_THREADPOOL_THREAD_COUNT'
          value: '16'
        }
      ], empty(galleryClientId) ? [] : [
        {
          // The platform signs in as the app's identity, which the registration trusts: there is no client secret.
          name: 'OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID'
          value: identityClientId
        }
      ])
    }
  }
}

// Sign-in for the page. A deployment that never had it has no such resource, so nothing of it changes.
// Switched off again, it is off, and the registration stays for the next time.
resource signIn 'Microsoft.Web/sites/config@2024-04-01' = if (!empty(galleryClientId)) {
  parent: site
  name: 'authsettingsV2'
  properties: {
    platform: {
      enabled: gallerySignIn
      runtimeVersion: '~1'
    }
    globalValidation: {
      // The page's files hold nothing, and its data routes judge each request by themselves.
      requireAuthentication: false
      unauthenticatedClientAction: 'AllowAnonymous'
      // Their callers come with a function key, and some with a token of their own, which the platform would refuse.
      // Never the page's: only what passes the platform's sign-in is rid of a principal that a stranger has written.
      excludedPaths: [
        '/runtime/webhooks/*'
        '/api/analyze'
        '/api/corrections'
        '/api/corrections/*'
        '/api/describe'
        '/api/domains'
        '/api/domains/*'
        '/api/images'
        '/api/images/*'
        '/api/ocr'
        '/api/ocr/*'
        '/api/operations/*'
        '/api/search'
        '/api/search/*'
        '/api/skills/*'
        '/api/thumbnail'
        '/api/thumbnail/*'
        '/api/unfinished'
        '/api/unfinished/*'
      ]
    }
    httpSettings: {
      requireHttps: true
    }
    identityProviders: {
      azureActiveDirectory: {
        enabled: true
        registration: {
          clientId: galleryClientId
          clientSecretSettingName: 'OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID'
          openIdIssuer: '${environment().authentication.loginEndpoint}${subscription().tenantId}/v2.0'
        }
      }
    }
    login: {
      tokenStore: {
        // The page asks nothing of other services, so no token has to be kept.
        enabled: false
      }
    }
  }
}

output name string = site.name
output url string = 'https://${site.properties.defaultHostName}'
