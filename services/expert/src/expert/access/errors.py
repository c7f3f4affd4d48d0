"""Problems of authentication and access."""

from trapper_kit.problems import Problem


class SignInRefused(Problem):
    type = "sign-in-refused"
    title = "E-mail or password is wrong, or the account is not active"
    status = 401


class TwoCredentials(Problem):
    type = "two-credentials"
    title = "A request carries a cookie or a bearer token, never both"
    status = 400


class CsrfMissing(Problem):
    type = "csrf-missing"
    title = "A browser's unsafe request needs the X-CSRF-Token of its session"
    status = 403


class PasswordWrong(Problem):
    type = "password-wrong"
    title = "The current password is wrong"
    status = 403


class EmailTaken(Problem):
    type = "email-taken"
    title = "There is already an account with this e-mail"
    status = 409


class TokenUnknown(Problem):
    type = "token-unknown"
    title = "There is no such token of yours"
    status = 404
