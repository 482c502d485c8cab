// What tells an operator that the app needs attention. docs/monitoring.md says what to do about each alert.

@description('Where the rules on the log lie; those on metrics are global.')
param location string

param tags object

@description('Makes the names unique.')
param token string

@description('The Application Insights component that has the log.')
param insightsId string

@description('The Event Grid system topic of the images account.')
param topicId string

@description('Who gets a message; empty: the alerts are seen in the portal only.')
param alertEmail string

@description('The images account, where it is the environment\'s own; else empty.')
param imagesAccountId string

@description('The setting VISION_MONTHLY_LIMIT; empty: there is no limit to come near.')
param visionMonthlyLimit string

// Severity: 1 is an error, 2 a warning. A window of a day lets a query compare an hour with the hours before it.
var rules = concat([
  {
    key: 'failures'
    title: 'Blobsight: failures grow'
    description: 'Steps, texts or requests failed at least ten times within an hour, and more than twice as often as before. Open the workbook and look at the reasons; docs/errors.md says what to do about each code.'
    query: loadTextContent('queries/failures.kql')
    severity: 1
    window: 'P1D'
  }
  {
    key: 'appointments'
    title: 'Blobsight: images wait an hour or longer'
    description: 'What could not be done is tried again in an hour or later: a limit is reached, the key or a role is refused, or more images come than the tier takes. The result names the code; docs/errors.md says what to do about it.'
    query: loadTextContent('queries/appointments.kql')
    severity: 2
    window: 'PT1H'
  }
  {
    key: 'poison'
    title: 'Blobsight: uploads were given up'
    description: 'An upload failed five times and came into the poison queue, or RescueUpload cannot take it from there. Look into the log around the times in the result; docs/troubleshooting.md says what to do.'
    query: loadTextContent('queries/poison.kql')
    severity: 1
    window: 'PT1H'
  }
  {
    key: 'lost'
    title: 'Blobsight: images had no result'
    description: 'The nightly comparison found images of which the app had never heard, because their events were lost, and began with them. Look at the event subscriptions and at the time the app was down; docs/monitoring.md says what to do.'
    query: loadTextContent('queries/lost.kql')
    severity: 2
    window: 'P1D'
  }
], empty(visionMonthlyLimit) ? [] : [
  {
    key: 'spending'
    title: 'Blobsight: spending is near its limit'
    description: 'Of a limit of billed transactions 80 % are used, or too little is left for a call. Raise BLOBSIGHT_VISION_MONTHLY_LIMIT and run azd provision, or leave it: the rest waits until the limit begins anew.'
    query: loadTextContent('queries/spending.kql')
    severity: 2
    window: 'PT1H'
  }
])

var deliveries = [
  {
    key: 'deadletters'
    title: 'events could not be delivered'
    metric: 'DeadLetteredCount'
    description: 'Event Grid gave up events and wrote them to the container deadletters of the host account. The app never saw these uploads or deletions: mend the cause, and the nightly comparison finds them.'
  }
  {
    key: 'dropped'
    title: 'events were lost'
    metric: 'DroppedEventCount'
    description: 'Event Grid gave up events and could not even write them to the container deadletters. Look at the role of the topic\'s identity on the host account; the nightly comparison finds the images of that time.'
  }
]

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = if (!empty(alertEmail)) {
  name: 'ag-${token}'
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    groupShortName: 'blobsight'
    emailReceivers: [
      {
        name: 'operator'
        emailAddress: alertEmail
        useCommonAlertSchema: true
      }
    ]
  }
}

resource logAlerts 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [for rule in rules: {
  name: 'alert-${rule.key}-${token}'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: rule.title
    description: rule.description
    severity: rule.severity
    enabled: true
    scopes: [
      insightsId
    ]
    evaluationFrequency: 'PT15M'
    windowSize: rule.window
    autoMitigate: true
    // A new workspace has no tables yet, by which the query could be checked.
    skipQueryValidation: true
    criteria: {
      allOf: [
        {
          query: rule.query
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: 0
          failingPeriods: {
            numberOfEvaluationPeriods: 1
            minFailingPeriodsToAlert: 1
          }
        }
      ]
    }
    actions: {
      actionGroups: empty(alertEmail) ? [] : [
        people!.id
      ]
    }
  }
}]

resource deliveryAlerts 'Microsoft.Insights/metricAlerts@2018-03-01' = [for delivery in deliveries: {
  name: 'alert-${delivery.key}-${token}'
  location: 'global'
  tags: tags
  properties: {
    description: 'Blobsight: ${delivery.title}. ${delivery.description}'
    severity: 1
    enabled: true
    scopes: [
      topicId
    ]
    evaluationFrequency: 'PT15M'
    windowSize: 'PT15M'
    autoMitigate: true
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          name: delivery.key
          criterionType: 'StaticThresholdCriterion'
          metricNamespace: 'Microsoft.EventGrid/systemTopics'
          metricName: delivery.metric
          timeAggregation: 'Total'
          operator: 'GreaterThan'
          threshold: 0
        }
      ]
    }
    actions: empty(alertEmail) ? [] : [
      {
        actionGroupId: people!.id
      }
    ]
  }
}]

// A queue that RescueUpload does not even read logs nothing. Another account has other queues, which count too.
resource queueAlert 'Microsoft.Insights/metricAlerts@2018-03-01' = if (!empty(imagesAccountId)) {
  name: 'alert-queue-${token}'
  location: 'global'
  tags: tags
  properties: {
    description: 'Blobsight: the poison queue is not empty. RescueUpload has left messages in the queue webjobs-blobtrigger-poison of the images account. Look whether the function is enabled and whether the app\'s identity may read queues there.'
    severity: 1
    enabled: true
    scopes: [
      '${imagesAccountId}/queueServices/default'
    ]
    // The metric has one value an hour.
    evaluationFrequency: 'PT1H'
    windowSize: 'PT1H'
    autoMitigate: true
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          name: 'queue'
          criterionType: 'StaticThresholdCriterion'
          metricNamespace: 'Microsoft.Storage/storageAccounts/queueServices'
          metricName: 'QueueMessageCount'
          timeAggregation: 'Average'
          operator: 'GreaterThan'
          threshold: 0
        }
      ]
    }
    actions: empty(alertEmail) ? [] : [
      {
        actionGroupId: people!.id
      }
    ]
  }
}
