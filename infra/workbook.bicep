// The workbook of the environment: workbook.json with the queries that its parts name.

param location string

param tags object

@description('The Application Insights component that has the log, under which the portal shows the workbook.')
param insightsId string

// Each is the text of queries/{name}.kql, and "query" in workbook.json is its name.
var queries = {
  comparisons: loadTextContent('queries/comparisons.kql')
  exceptions: loadTextContent('queries/exceptions.kql')
  functions: loadTextContent('queries/functions.kql')
  latency: loadTextContent('queries/latency.kql')
  latency_over_time: loadTextContent('queries/latency_over_time.kql')
  reasons: loadTextContent('queries/reasons.kql')
  spent: loadTextContent('queries/spent.kql')
  throttling: loadTextContent('queries/throttling.kql')
  transactions: loadTextContent('queries/transactions.kql')
  unfinished: loadTextContent('queries/unfinished.kql')
  uploads: loadTextContent('queries/uploads.kql')
}

// Its parts have different properties, so the compiler must not take them for one type.
var template = any(loadJsonContent('workbook.json'))

var filled = map(template.items, part => contains(part.content, 'query') ? union(part, {
  content: union(part.content, {
    query: queries[part.content.query]
  })
}) : part)

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(resourceGroup().id, 'blobsight')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'Blobsight'
    description: 'Uploads, latency, spending and 429s, unfinished images and the reasons, images without a result.'
    category: 'workbook'
    version: 'Notebook/1.0'
    sourceId: insightsId
    serializedData: string({
      version: template.version
      items: filled
      fallbackResourceIds: [
        insightsId
      ]
      '$schema': template['$schema']
    })
  }
}
