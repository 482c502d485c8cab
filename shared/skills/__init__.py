"""
Custom skills of Azure AI Search: a batch of records, each with an image, is answered record by record and in time.

The contract is that of `Microsoft.Skills.Custom.WebApiSkill`:
https://learn.microsoft.com/azure/search/cognitive-search-custom-skill-web-api
"""
