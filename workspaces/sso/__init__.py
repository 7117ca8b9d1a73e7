"""Single sign-on: an organization's own identity provider, by SAML 2.0 or OpenID Connect."""
