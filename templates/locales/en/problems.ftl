### The pages of problems, for those who build against the API.

problems-title = API problems
problems-lead = An error of the API names one of these as its code.
problems-more = Further pages
docs-title = API documentation
