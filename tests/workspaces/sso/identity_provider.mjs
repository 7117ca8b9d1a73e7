// A SAML identity provider program on loopback (samlify): metadata, a sign-on page, signed answers.
// Started with the JSON {key, certificate, modules}; writes its address. PUT /application takes our own
// metadata, PUT /person who is signed in there: {subject, attributes: {name: [values]}}. GET /slo takes what we say of
// signing out; PUT /sign-out answers with the address that carries its request to end {subject, index}.
import { createServer } from "node:http";
import { createRequire } from "node:module";

const { key, certificate, modules } = JSON.parse(process.argv[2]);
const saml = createRequire(modules)("samlify");
const REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
const UNSPECIFIED = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified";
const PASSWORD = "urn:oasis:names:tc:SAML:2.0:ac:classes:Password";
// What arrives is our own library's; its shape is looked at below.
saml.setSchemaValidator({ validate: async () => "accepted" });

let application;
let person;

const escape = (text) => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
const value = (text) => `<saml:AttributeValue>${escape(text)}</saml:AttributeValue>`;
const attribute = ([name, texts]) =>
  `<saml:Attribute Name="${escape(name)}">${texts.map(value).join("")}</saml:Attribute>`;

function provider(context) {
  const own = `http://127.0.0.1:${server.address().port}`;
  return saml.IdentityProvider({
    entityID: `${own}/metadata`,
    privateKey: key,
    signingCert: certificate,
    requestSignatureAlgorithm: "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    singleSignOnService: [{ Binding: REDIRECT, Location: `${own}/sso` }],
    singleLogoutService: [{ Binding: REDIRECT, Location: `${own}/slo` }],
    wantLogoutRequestSigned: true,
    wantLogoutResponseSigned: true,
    ...(context && { loginResponseTemplate: { context } }),
  });
}

function answerTo(request, idp) {
  const now = Date.now();
  const at = (minutes) => new Date(now + minutes * 60_000).toISOString();
  const acs = application.entityMeta.getAssertionConsumerService("post");
  const attributes = Object.entries(person.attributes).map(attribute).join("");
  return (template) => {
    const id = `_${crypto.randomUUID()}`;
    const statement =
      `<saml:AuthnStatement AuthnInstant="${at(0)}" SessionIndex="${person.index}"><saml:AuthnContext>` +
      `<saml:AuthnContextClassRef>${PASSWORD}</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>`;
    const filled = template
      .replace("{AuthnStatement}", statement)
      .replace("{AttributeStatement}", `<saml:AttributeStatement>${attributes}</saml:AttributeStatement>`);
    const tags = {
      ID: id,
      AssertionID: `_${crypto.randomUUID()}`,
      Destination: acs,
      SubjectRecipient: acs,
      Audience: application.entityMeta.getEntityID(),
      Issuer: idp.entityMeta.getEntityID(),
      IssueInstant: at(0),
      ConditionsNotBefore: at(-1),
      ConditionsNotOnOrAfter: at(5),
      SubjectConfirmationDataNotOnOrAfter: at(5),
      NameIDFormat: UNSPECIFIED,
      NameID: person.subject,
      InResponseTo: request.extract.request.id,
      StatusCode: "urn:oasis:names:tc:SAML:2.0:status:Success",
    };
    return { id, context: saml.SamlLib.replaceTagsByValue(filled, tags) };
  };
}

async function signOn(query) {
  const idp = provider(saml.SamlLib.defaultLoginResponseTemplate.context);
  const request = await idp.parseLoginRequest(application, "redirect", { query });
  const made = await idp.createLoginResponse(application, request, "post", {}, answerTo(request, idp));
  return { to: made.entityEndpoint, SAMLResponse: made.context, RelayState: query.RelayState ?? "" };
}

// What is signed is the address's own spelling, without the signature.
const octets = (url) => url.search.slice(1).replace(/&?Signature=[^&]*/, "");

async function signOut(url) {
  const idp = provider();
  const query = Object.fromEntries(url.searchParams);
  if (query.SAMLResponse) {
    const answer = await idp.parseLogoutResponse(application, "redirect", { query, octetString: octets(url) });
    return { done: answer.extract.response.inResponseTo };
  }
  const request = await idp.parseLogoutRequest(application, "redirect", { query, octetString: octets(url) });
  const made = idp.createLogoutResponse(application, request, "redirect", query.RelayState ?? "");
  return { nameID: request.extract.nameID, index: request.extract.sessionIndex, to: made.context };
}

async function body(request) {
  let text = "";
  for await (const part of request) text += part;
  return text;
}

const routes = {
  "GET /metadata": async () => provider().getMetadata(),
  "GET /sso": async (_, url) => JSON.stringify(await signOn(Object.fromEntries(url.searchParams))),
  "GET /slo": async (_, url) => JSON.stringify(await signOut(url)),
  "PUT /sign-out": async (request) => {
    const { subject, index } = JSON.parse(await body(request));
    return provider().createLogoutRequest(application, "redirect", { logoutNameID: subject, sessionIndex: index }).context;
  },
  "PUT /application": async (request) => {
    application = saml.ServiceProvider({
      metadata: await body(request),
      wantLogoutRequestSigned: true,
      wantLogoutResponseSigned: true,
    });
    return application.entityMeta.getEntityID();
  },
  "PUT /person": async (request) => {
    person = JSON.parse(await body(request));
    return person.subject;
  },
};

const server = createServer(async (request, response) => {
  const url = new URL(request.url, "http://127.0.0.1");
  try {
    response.end(await routes[`${request.method} ${url.pathname}`](request, url));
  } catch (error) {
    response.writeHead(500).end(String(error?.stack ?? error));
  }
});
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
// The tests' process holds the other end: when it goes, so does this program.
process.stdin.on("end", () => process.exit()).resume();
