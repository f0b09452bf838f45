"""Recovery: what an action towards a customer changed, against what would have happened without it.

Belongs here: effects of playbooks with intervals, the checks that say whether to believe them, and what follows for
choosing the next one. Not here: ratios and times of cases (dbt marts), or writing advice onto cases (`casework`).
"""
