"""The forms that customers fill in, and the words of their faults (guide 10.1, 10.2, B.1)."""

from portal.accounts.owner import LANGUAGES
from portal.customers.kinds import CustomerKind
from portal.customers.registration import CustomerForm
from portal.locales.catalogues import N_
from portal.pages.forms import Choice, Field, FieldKind, Form

ADD, IMPORT, REGISTER = "/account/meters/add", "/account/meters/import", "/register"
MOST_FILE = 100_000
PAIR_FIELDS = (
    Field(
        name="esi_id",
        label=N_("ESI ID"),
        required=True,
        missing=N_("Enter the ESI ID of your electric bill: 17 or 22 digits."),
        hint=N_("17 or 22 digits, on your electric bill"),
        tip=N_("The electric service identifier names the place to which electricity is delivered."),
        most=22,
        literal=True,
        digits=True,
        fill="off",
    ),
    Field(
        name="meter_number",
        label=N_("Meter number"),
        required=True,
        missing=N_("Enter the meter number of your electric bill: up to 20 letters, digits or hyphens."),
        hint=N_("On your electric bill, and on the meter itself"),
        tip=N_("The two numbers must belong together. After a meter was exchanged, an older bill has the old number."),
        most=20,
        literal=True,
        fill="off",
    ),
)
ADD_METER = Form(action=ADD, button=N_("Add the meter"), fields=PAIR_FIELDS)
IMPORT_METERS = Form(
    action=IMPORT,
    button=N_("Add the meters of the file"),
    fields=(
        Field(
            name="file",
            label=N_("CSV file"),
            kind=FieldKind.FILE,
            required=True,
            missing=N_("Choose a CSV file."),
            hint=N_("Two values a row, the ESI ID and the meter number; no header, at most 100 rows"),
            accept=".csv,text/csv",
            most=MOST_FILE,
        ),
    ),
)


def _optional(field: Field) -> Field:
    return Field(
        name=field.name,
        label=field.label,
        hint=field.hint,
        tip=field.tip,
        most=field.most,
        literal=True,
        digits=field.digits,
        fill="off",
    )


REGISTRATION = Form(
    action=REGISTER,
    button=N_("Register"),
    fields=(
        Field(
            name="kind",
            label=N_("I register as"),
            kind=FieldKind.RADIO,
            required=True,
            missing=N_("Choose whether you register as a household or as a business."),
            choices=(
                Choice(CustomerKind.RESIDENTIAL, N_("a residential customer"), N_("a household")),
                Choice(CustomerKind.BUSINESS, N_("a business customer"), N_("a company, a school, a church")),
            ),
        ),
        Field(
            name="business_name",
            label=N_("Name of the business"),
            hint=N_("Only for a business"),
            most=120,
            fill="organization",
        ),
        Field(
            name="first_name",
            label=N_("First name"),
            required=True,
            missing=N_("Enter your first name."),
            most=60,
            fill="given-name",
        ),
        Field(name="middle_initial", label=N_("Middle initial"), most=1, fill="additional-name"),
        Field(
            name="last_name",
            label=N_("Last name"),
            required=True,
            missing=N_("Enter your last name."),
            most=60,
            fill="family-name",
        ),
        Field(name="suffix", label=N_("Suffix"), hint=N_("Such as Jr, Sr or III"), most=10, fill="honorific-suffix"),
        Field(name="phone", label=N_("Phone"), kind=FieldKind.PHONE, most=30, fill="tel"),
        Field(
            name="email",
            label=N_("Email address"),
            kind=FieldKind.EMAIL,
            required=True,
            missing=N_("Enter an email address."),
            hint=N_("The way to sign in is sent there"),
            most=254,
            fill="email",
        ),
        Field(
            name="email_again",
            label=N_("Email address again"),
            kind=FieldKind.EMAIL,
            required=True,
            missing=N_("Enter the same email address again: the two are not exactly the same."),
            tip=N_("Both entries must be exactly alike."),
            most=254,
            fill="email",
        ),
        Field(
            name="user_id",
            label=N_("User ID"),
            required=True,
            missing=N_("Enter a user ID."),
            hint=N_("5 to 100 characters, without slashes or quote marks"),
            tip=N_("The name with which you will sign in. Capital and small letters are the same."),
            most=100,
            fill="username",
            literal=True,
        ),
        Field(
            name="language",
            label=N_("Language"),
            kind=FieldKind.SELECT,
            required=True,
            missing=N_("Choose a language."),
            hint=N_("Of the pages and letters that come in it"),
            choices=tuple(Choice(key, words) for key, words in LANGUAGES.items()),
        ),
        *(_optional(field) for field in PAIR_FIELDS),
        Field(
            name="terms",
            label=N_("I accept the Terms and Conditions"),
            kind=FieldKind.CHECKBOX,
            required=True,
            missing=N_("Accept the Terms and Conditions to register."),
        ),
    ),
).filled({"language": "en"})
FIND_COMPANY = Field(
    name="name",
    label=N_("Name of the electricity company"),
    required=True,
    missing=N_("Enter the name of an electricity company."),
    hint=N_("The whole name, or at least two characters with one asterisk: lone*"),
    most=120,
    fill="off",
)
RULE_WORDS = (
    N_("Enter the name of your business."),
    N_("Enter one letter."),
    N_("Enter at most 10 characters."),
    N_("Enter at most 60 characters."),
    N_("Enter at most 120 characters."),
    N_("Enter an email address such as desk@retailer.example."),
    N_("Enter a phone number such as 512-555-0100 or +1 512 555 0100 x 12."),
    N_("Enter a user ID of 5 to 100 characters, without slashes (/), single (') or double (\") quote marks."),
    N_("This user ID is taken. Please choose another."),
    N_("Enter a company's name."),
    N_("Enter a company's name, or select a letter."),
    N_("Select one letter."),
    N_("Enter at least two characters beside one asterisk (*), at the start, in the middle or at the end."),
    N_("Too many of these came from your address. Please come again later."),
)
"""What the rules that all who register share may say; marked here, where customers read it."""


def customer_of(form: Form) -> CustomerForm:
    """What the domain's form takes. What is at fault by itself is left out: the page has its words already."""
    names = [name for name in CustomerForm.model_fields if name != "terms"]
    return CustomerForm(
        **{name: "" if name in form.faults else form[name] for name in names}, terms=bool(form["terms"])
    )
