import { CfnOutput, Duration, RemovalPolicy, Validations } from "aws-cdk-lib";
import { BlockPublicAccess, Bucket, BucketEncryption } from "aws-cdk-lib/aws-s3";
import type { Construct } from "constructs";

/** Where `write-reports` keeps the reports of reconciliation; it outlives its stack. */
export const reportBucket = (scope: Construct): Bucket => {
  const bucket = new Bucket(scope, "reports", {
    encryption: BucketEncryption.S3_MANAGED,
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    enforceSSL: true,
    versioned: true,
    lifecycleRules: [
      {
        noncurrentVersionExpiration: Duration.days(90),
        abortIncompleteMultipartUploadAfter: Duration.days(7),
      },
    ],
    removalPolicy: RemovalPolicy.RETAIN,
  });
  new CfnOutput(scope, "ReportsBucket", {
    value: bucket.bucketName,
    description: "reports of reconciliation, under reconciliation/<gateway>/<day>",
  });
  Validations.of(bucket).acknowledge({
    id: "AwsSolutions-S1",
    reason:
      "A second bucket of access logs for one that a single function writes to, and people read: CloudTrail's data " +
      "events say the same, for those who need it.",
  });
  return bucket;
};
