// Warns when the group's costs of a month come near an amount.
// A budget stops nothing; VISION_MONTHLY_LIMIT does.

param token string
param amount int
param email string

@description('First day of the month in which the budget is made; Azure never takes another one afterwards.')
param startDate string

resource budget 'Microsoft.Consumption/budgets@2023-11-01' = {
  name: 'budget-${token}'
  properties: {
    category: 'Cost'
    amount: amount
    timeGrain: 'Monthly'
    timePeriod: {
      startDate: startDate
    }
    notifications: {
      near: {
        enabled: true
        operator: 'GreaterThanOrEqualTo'
        threshold: 80
        thresholdType: 'Actual'
        contactEmails: empty(email) ? [] : [email]
        contactRoles: [
          'Owner'
        ]
      }
      reached: {
        enabled: true
        operator: 'GreaterThanOrEqualTo'
        threshold: 100
        thresholdType: 'Actual'
        contactEmails: empty(email) ? [] : [email]
        contactRoles: [
          'Owner'
        ]
      }
    }
  }
}
