"""
The app settings, declared: what each is called, what it is for, how its text is read, what it is by default.

Every field says in its metadata what docs/settings.md says of it; a test compares the two.
"""

import os
from dataclasses import dataclass
from datetime import datetime

from shared.configuration import parse, storage_accounts
from shared.configuration.fields import account, setting
from shared.configuration.storage_accounts import Account, Principal
from shared.contract import endpoint, model_version
from shared.names import Format


@dataclass(frozen=True)
class Declared:
    """The app settings, parsed. Immutable; `shared.settings` reads them."""

    vision_endpoint: str = setting(
        "VISION_ENDPOINT",
        "Base address of the Computer Vision resource (or the Read container).",
        endpoint,
        shown=False,
    )
    vision_auth: str = setting(
        "VISION_AUTH",
        "How the app shows who it is: key, or identity (Entra ID, no key needed).",
        parse.vision_auth,
        "key",
    )
    vision_key: str | None = setting("VISION_KEY", "A key of that resource.", parse.key, "", secret=True)
    vision_key_2: str | None = setting(
        "VISION_KEY_2", "The resource's other key, tried when the first is refused.", parse.key, "", secret=True
    )
    principal: Principal = setting(
        "AZURE_CLIENT_ID",
        "Client id of the user-assigned identity that the app is; empty is the system-assigned one.",
        storage_accounts.client_id,
        "",
        shown=False,
    )
    vision_rate: tuple[int, float] = setting(
        "VISION_RATE", "The tier's limit: calls per seconds. F0 is 20/60.", parse.rate, "10/1"
    )
    vision_features: tuple[str, ...] = setting(
        "VISION_FEATURES", "What is asked of every image, in one call.", parse.features, "Tags,Description,Objects"
    )
    vision_language: str = setting("VISION_LANGUAGE", "Language of tags and captions.", parse.language, "en")
    vision_model_version: str = setting("VISION_MODEL_VERSION", "Model of image analysis.", model_version, "latest")
    vision_timeout_seconds: float = setting(
        "VISION_TIMEOUT_SECONDS", "Longest time for one question, its retries included.", parse.seconds, "30"
    )
    vision_daily_limit: int | None = setting(
        "VISION_DAILY_LIMIT", "Most billed transactions of a day (UTC); empty is no limit.", parse.count, ""
    )
    vision_monthly_limit: int | None = setting(
        "VISION_MONTHLY_LIMIT", "Most billed transactions of a month (UTC); empty is no limit.", parse.count, ""
    )
    vision_stop: bool = setting("VISION_STOP", "Whether no paid call is made at all.", parse.truth, "false")
    answer_lifetime_days: int | None = setting(
        "ANSWER_LIFETIME_DAYS",
        "How old an answer may be that is given again without a paid call; older ones go. Empty is any age.",
        parse.days,
        "",
    )
    forget_after_hours: int = setting(
        "FORGET_AFTER_HOURS",
        "How long paid answers are kept for bytes that no image has any more, in hours; 0 is not at all.",
        parse.hours,
        "24",
    )
    reconcile: parse.Reconcile = setting(
        "RECONCILE",
        "What the nightly comparison of images and records does: repair, report (count only) or off.",
        parse.reconcile,
        "repair",
    )
    reconcile_since: datetime | None = setting(
        "RECONCILE_SINCE",
        "Images from then on are started where they have no records; empty is the app's first start.",
        parse.moment,
        "",
    )
    reconcile_hour: int = setting(
        "RECONCILE_HOUR", "Hour of the day (UTC) at whose half the comparison begins.", parse.hour, "3"
    )
    log_names: parse.LogNames = setting(
        "LOG_NAMES", "How the log tells names of images: plain, or hash (a digest of each).", parse.log_names, "plain"
    )
    thumbnail_sizes: tuple[parse.Size, ...] = setting(
        "THUMBNAIL_SIZES", "Thumbnails of every image, WIDTHxHEIGHT, comma-separated.", parse.sizes, "200x150,1024x768"
    )
    thumbnail_mode_set: parse.Mode | None = setting(
        "THUMBNAIL_MODE",
        "How thumbnails are cut: auto, area, vision or center; empty is auto, or center with THUMBNAIL_SMART=false.",
        parse.thumbnail_mode,
        "",
    )
    thumbnail_smart: bool = setting(
        "THUMBNAIL_SMART", "Whether to crop around what matters; false is THUMBNAIL_MODE=center.", parse.truth, "true"
    )
    thumbnail_formats: tuple[Format, ...] = setting(
        "THUMBNAIL_FORMATS", "Formats of every thumbnail, comma-separated.", parse.formats, "jpeg"
    )
    text_mode: str = setting(
        "TEXT_MODE",
        "Which images have their text read: auto, always or never. PDF and TIFF always.",
        parse.text_mode,
        "auto",
    )
    text_reading_order: str = setting(
        "TEXT_READING_ORDER",
        "Order of the lines that are read: natural (as people read columns) or basic.",
        parse.reading_order,
        "natural",
    )
    text_model_version: str = setting("TEXT_MODEL_VERSION", "Model of Read.", model_version, "latest")
    text_deadline_seconds: float = setting(
        "TEXT_DEADLINE_SECONDS",
        "How long a Read may be running at the service before it is given up.",
        parse.long_seconds,
        "1800",
    )
    max_wait_seconds: float = setting(
        "MAX_WAIT_SECONDS",
        "Longest time of an HTTP request; longest wait of an upload for its turn or for another caller's answer.",
        parse.seconds,
        "20",
    )
    url_allow: parse.Allowed | None = setting(
        "URL_ALLOW", "Where a caller's url may lead beside https on the internet.", parse.url_allow, "", shown=False
    )
    max_upload_megabytes: int = setting(
        "MAX_UPLOAD_MEGABYTES",
        "Largest upload that is processed, in megabytes of 1,048,576 bytes.",
        parse.megabytes,
        "100",
    )
    max_megapixels: int = setting(
        "MAX_MEGAPIXELS",
        "Most pixels of one picture that the app decodes, in millions.",
        parse.megapixels,
        "100",
    )
    images_writable: bool = setting(
        "IMAGES_WRITABLE",
        "Whether PUT and DELETE /api/images/{name} store and delete images.",
        parse.truth,
        "false",
    )
    search_records: bool = setting(
        "SEARCH_RECORDS",
        "Whether a flat record of every image is kept in the container search, for Azure AI Search.",
        parse.truth,
        "false",
    )
    vision_prices: parse.Prices = setting(
        "VISION_PRICES",
        "Price of 1,000 transactions: of most features, and of Describe and Read; with the currency.",
        parse.prices,
        "1.00/1.50 USD",
    )
    images_storage: Account = account(
        "ImagesStorage",
        "Connection string of the account with the images; or the settings below.",
        {
            "blobServiceUri": "the images lie there",
            "queueServiceUri": "the blob trigger keeps there what has failed, and RescueUpload takes it from there",
        },
    )
    host_storage: Account = account(
        "AzureWebJobsStorage",
        "Connection string of the Functions host's own account; or the settings below.",
        {
            "blobServiceUri": "the host and the app keep their books there",
            "queueServiceUri": "the blob trigger and Durable Functions keep their queues there",
            "tableServiceUri": "Durable Functions keeps its histories there",
        },
    )
    threads_set: int | None = setting(
        "PYTHON_THREADPOOL_THREAD_COUNT",
        "Threads for HTTP functions; also the size of the pools. Empty is the platform's own number.",
        parse.threads,
        "",
    )
    ca_bundle: str | None = setting(
        "REQUESTS_CA_BUNDLE", "File of certificate authorities to trust instead of the built-in ones.", str, ""
    )
    https_proxy: str | None = setting(
        "HTTPS_PROXY", "Proxy through which Computer Vision is reached.", parse.proxy, "", secret=True
    )
    public_address: str | None = setting(
        "PUBLIC_ADDRESS",
        "Address by which callers reach the app, where it is not WEBSITE_HOSTNAME's: behind a gateway, say.",
        parse.public_address,
        "",
        shown=False,
    )
    health_key: str | None = setting(
        "HEALTH_KEY",
        "A caller who sends it to /api/health is told the problems and the spending.",
        parse.word,
        "",
        secret=True,
    )
    gallery_key: str | None = setting(
        "GALLERY_KEY",
        "A caller who sends it to the page's data reads them, and changes nothing.",
        parse.gallery_key,
        "",
        secret=True,
    )
    gallery_open: bool = setting(
        "GALLERY_OPEN",
        "Whether the page needs neither sign-in nor key; counts on a developer's own machine alone.",
        parse.truth,
        "false",
    )

    @property
    def max_upload_bytes(self) -> int:
        """`max_upload_megabytes` in bytes."""
        return self.max_upload_megabytes * 1024**2

    @property
    def thumbnail_mode(self) -> parse.Mode:
        """How thumbnails are cut."""
        return self.thumbnail_mode_set or ("auto" if self.thumbnail_smart else "center")

    @property
    def threads(self) -> int:
        """How many threads the worker has for HTTP functions; by default as many as Python gives to any pool."""
        return self.threads_set or min(32, (os.cpu_count() or 1) + 4)
