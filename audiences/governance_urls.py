"""Addresses of the studio's governance, under ``/<workspace>/studio/``."""

from __future__ import annotations

from django.urls import path

from audiences.views import governance, governing, rules, subsets
from workspaces.permissions import Permission
from workspaces.routes import requires

RULES = "studio/governance/rules"
CATEGORIES = "studio/governance/subsets"
CATEGORY = f"{CATEGORIES}/<int:pk>"
SUBSET = "studio/subsets/<int:pk>"

read = requires(Permission.MEMBER)
configure = requires(Permission.CONFIGURE_SCHEMA)
read_configure = requires(Permission.MEMBER, write=Permission.CONFIGURE_SCHEMA)

urlpatterns = [
    path("studio/governance", read_configure(governance.MaskingPage.as_view()), name="governance"),
    path("studio/governance/count/<int:pk>", configure(governing.CountRows.as_view()), name="count_rows"),
    path(RULES, read(governance.RulesPage.as_view()), name="destination_rules"),
    path(f"{RULES}/new", configure(rules.ChooseRuleParent.as_view()), name="destination_rule_new"),
    path(f"{RULES}/new/<int:pk>", configure(rules.NewRule.as_view()), name="destination_rule_define"),
    path(f"{RULES}/<int:pk>", read_configure(rules.RulePage.as_view()), name="destination_rule"),
    path(f"{RULES}/<int:pk>/delete", configure(rules.DeleteRule.as_view()), name="destination_rule_delete"),
    path(CATEGORIES, read(governance.CategoriesPage.as_view()), name="subset_categories"),
    path(f"{CATEGORIES}/new", configure(subsets.ChooseCategoryParent.as_view()), name="subset_category_new"),
    path(f"{CATEGORIES}/new/<int:pk>", configure(subsets.NewCategory.as_view()), name="subset_category_define"),
    path(CATEGORY, read_configure(subsets.CategoryPage.as_view()), name="subset_category"),
    path(f"{CATEGORY}/delete", configure(subsets.DeleteCategory.as_view()), name="subset_category_delete"),
    path(f"{CATEGORY}/new", configure(subsets.NewSubset.as_view()), name="subset_new"),
    path(SUBSET, read_configure(subsets.SubsetPage.as_view()), name="subset"),
    path(f"{SUBSET}/delete", configure(subsets.DeleteSubset.as_view()), name="subset_delete"),
]
