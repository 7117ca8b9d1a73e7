"""How Django draws forms: every field and widget through the templates of the component library."""

from __future__ import annotations

from django.forms.renderers import TemplatesSetting


class Renderer(TemplatesSetting):
    """``FORM_RENDERER``: plain ``{{ form }}`` and third-party forms look like the rest."""

    form_template_name = "components/form/fields_only.html"
    field_template_name = "components/form/bound_field.html"
