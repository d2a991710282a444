import { CfnOutput, Duration, RemovalPolicy, Validations } from "aws-cdk-lib";
import { BlockPublicAccess, Bucket, BucketEncryption } from "aws-cdk-lib/aws-s3";
import type { Construct } from "constructs";

/**
 * Where a person keeps reports of reconciliation (`chargeonce reconcile --html`); it outlives its stack. No function
 * writes to it: what a scheduled run found is in the ledger and on the queue `review`.
 */
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
    description: "for reports, kept by hand",
  });
  Validations.of(bucket).acknowledge({
    id: "AwsSolutions-S1",
    reason:
      "A second bucket of access logs for one that no function touches, and people write and read: CloudTrail's data events " +
      "say the same, for those who need it.",
  });
  return bucket;
};
