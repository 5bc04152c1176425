"""What a bucket holds, as Amazon's own client for Python reads it.

    bucket.py ENDPOINT BUCKET FOLDER [PREFIX]    each object into a file of FOLDER, named by its place; on stdout, in
                                                 order, its key, content type and storage class, tabs between
    bucket.py ENDPOINT BUCKET --make             makes the bucket

The key is in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.
"""

import os
import sys

import boto3
from botocore.config import Config

endpoint, bucket, folder, prefix = (*sys.argv[1:], "")[:4]
client = boto3.client(
    "s3", endpoint_url=endpoint, region_name="us-east-1", verify=os.environ.get("AUTHORITIES"),
    config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 0}, connect_timeout=10, read_timeout=10),
)
if folder == "--make":
    client.create_bucket(Bucket=bucket)
    sys.exit()
place = 0
for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
    for entry in page.get("Contents", []):
        answer = client.get_object(Bucket=bucket, Key=entry["Key"])
        with open(f"{folder}/{place:06}.weir.zst", "wb") as file:
            file.write(answer["Body"].read())
        print(entry["Key"], answer["ContentType"], answer.get("StorageClass", "STANDARD"), sep="\t")
        place += 1
